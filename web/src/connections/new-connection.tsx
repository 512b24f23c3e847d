import { useState } from "react";
import { api, must, type Schemas } from "@/api/client";
import type { ConnectionType } from "@/api/queries";
import { useAct } from "@/design/act";
import { Button } from "@/design/button";
import { Dialog } from "@/design/dialog";
import { Field, Input, Select } from "@/design/field";
import { Problem } from "@/design/problem";

type Account = Schemas["AccountShape"];
type NewProps = { types: ConnectionType[]; onClose: () => void; onAdded: () => Promise<void> };

/** What a place asks for is told by its type: a token with an account that it opens, and a plan. */
export function NewConnection({ types, onClose, onAdded }: NewProps) {
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState(types.find((one) => !one.needsToken) ?? types[0]);
  const [token, setToken] = useState("");
  const [account, setAccount] = useState<Account | null>(null);
  const [plan, setPlan] = useState<string | null>(null);
  const choose = (type: string) => {
    setChosen(types.find((one) => one.type === type));
    setPlan(null);
    setToken("");
    setAccount(null);
  };
  const { error, busy, act } = useAct();
  const save = async () => {
    if (!chosen) return;
    const access = chosen.needsToken
      ? { token, accountId: account?.id, plan: (plan ?? chosen.plans[0]) as "free" | "paid" }
      : {};
    const body = { type: chosen.type, name: name.trim(), isDefault: false, ...access };
    await must(api.POST("/api/connections", { body }));
    await onAdded();
    onClose();
  };
  const complete = !chosen?.needsToken || account !== null;
  return (
    <Dialog open onClose={onClose} title="Add a connection">
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void act(save);
        }}
      >
        <Field label="Name">
          {(ids) => (
            <Input
              {...ids}
              autoFocus
              value={name}
              maxLength={100}
              placeholder="Staging"
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        {types.length > 1 && chosen && (
          <Field label="What it is">
            {({ id }) => (
              <Select
                id={id}
                value={chosen.type}
                choices={types.map((one) => ({ value: one.type, label: one.title }))}
                onChange={choose}
              />
            )}
          </Field>
        )}
        {chosen?.needsToken && (
          <Token
            type={chosen}
            token={token}
            account={account}
            onToken={(text) => {
              setToken(text);
              setAccount(null);
            }}
            onAccount={setAccount}
          />
        )}
        {chosen && chosen.plans.length > 0 && (
          <Field
            label="Plan"
            hint="What the account has paid for: it decides what can be deployed."
          >
            {({ id }) => (
              <Select
                id={id}
                value={plan ?? chosen.plans[0] ?? ""}
                choices={chosen.plans.map((one) => ({ value: one, label: one }))}
                onChange={setPlan}
              />
            )}
          </Field>
        )}
        {error !== null && <Problem error={error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button
            look="primary"
            type="submit"
            busy={busy}
            disabled={name.trim() === "" || !complete}
          >
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

type TokenProps = {
  type: ConnectionType;
  token: string;
  account: Account | null;
  onToken: (token: string) => void;
  onAccount: (account: Account | null) => void;
};

/** A token, and after it was verified the accounts that it opens. */
function Token({ type, token, account, onToken, onAccount }: TokenProps) {
  const [found, setFound] = useState<Account[] | null>(null);
  const { error, busy, act } = useAct();
  const verify = async () => {
    const body = { type: type.type, token };
    const { accounts } = await must(api.POST("/api/connections/verify-token", { body }));
    setFound(accounts);
    onAccount(accounts[0] ?? null);
  };
  return (
    <>
      <Field label="Token" hint={`It needs ${type.permissions.join(", ")}.`}>
        {(ids) => (
          <div className="flex gap-2">
            <Input
              {...ids}
              type="password"
              autoComplete="off"
              value={token}
              onChange={(event) => {
                setFound(null);
                onToken(event.target.value);
              }}
            />
            <Button busy={busy} disabled={token === ""} onClick={() => void act(verify)}>
              Verify
            </Button>
          </div>
        )}
      </Field>
      {error !== null && <Problem error={error} />}
      {found && account && (
        <Field
          label="Account"
          error={
            account.missing.length > 0 ? `The token lacks ${account.missing.join(", ")}.` : null
          }
        >
          {({ id }) => (
            <Select
              id={id}
              value={account.id}
              choices={found.map((one) => ({ value: one.id, label: one.name || one.id }))}
              onChange={(id) => onAccount(found.find((one) => one.id === id) ?? null)}
            />
          )}
        </Field>
      )}
    </>
  );
}
