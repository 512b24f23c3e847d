import { useState } from "react";
import type { Variable } from "@/api/queries";
import { useAct } from "@/design/act";
import { Button } from "@/design/button";
import { Dialog } from "@/design/dialog";
import { Field, Input, Switch, Textarea } from "@/design/field";
import { Problem } from "@/design/problem";
import { canBeName } from "./variables";

type VariableForm = { name: string; value: string; isSecret: boolean };

type VariableDialogProps = {
  /** What is edited; null makes a new one. */
  variable: Pick<Variable, "name" | "value" | "isSecret"> | null;
  taken: ReadonlySet<string>;
  /** A name that is asked for and not there. */
  name?: string;
  onClose: () => void;
  /** `value` is undefined where a secret keeps the one it has. */
  onSave: (form: Omit<VariableForm, "value"> & { value?: string }) => Promise<void>;
};

/** One variable. The value of a secret goes in and never comes out. */
export function VariableDialog(props: VariableDialogProps) {
  const { variable, taken, onClose, onSave } = props;
  const [name, setName] = useState(variable?.name ?? props.name ?? "");
  const [value, setValue] = useState(variable?.value ?? "");
  const [secret, setSecret] = useState(variable?.isSecret ?? false);
  const { act, busy, error } = useAct();
  const hidden = variable?.isSecret ?? false;
  const keeps = hidden && value === "" && secret;
  const twice = name !== variable?.name && taken.has(name);
  const wrong = name !== "" && !canBeName(name);

  const save = () =>
    act(async () => {
      await onSave({ name, isSecret: secret, ...(keeps ? {} : { value }) });
      onClose();
    });
  return (
    <Dialog open onClose={onClose} title={variable ? `Edit ${variable.name}` : "New variable"}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <Field
          label="Name"
          hint="Code reads it as env.NAME, expressions as {{env.NAME}}."
          error={
            wrong
              ? "Letters, digits and underscores, and no digit first."
              : twice
                ? "There is a variable of this name."
                : undefined
          }
        >
          {(ids) => (
            <Input
              {...ids}
              autoFocus={variable === null && !props.name}
              value={name}
              maxLength={128}
              spellCheck={false}
              autoComplete="off"
              placeholder="API_TOKEN"
              className="font-mono"
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Field
          label="Value"
          hint={hidden ? "It can’t be shown again. Leave this empty to keep it." : undefined}
        >
          {(ids) =>
            secret ? (
              <Input
                {...ids}
                type="password"
                autoFocus={props.name !== undefined}
                value={value}
                autoComplete="new-password"
                placeholder={hidden ? "unchanged" : ""}
                className="font-mono"
                onChange={(event) => setValue(event.target.value)}
              />
            ) : (
              <Textarea
                {...ids}
                autoFocus={props.name !== undefined}
                value={value}
                rows={2}
                spellCheck={false}
                className="font-mono text-table"
                onChange={(event) => setValue(event.target.value)}
              />
            )
          }
        </Field>
        <div className="flex items-start gap-3">
          <Switch label="Secret" checked={secret} onChange={setSecret} />
          <span>
            <span className="block font-medium">Secret</span>
            <span className="block text-muted text-table">
              Encrypted, and never shown again, here or by the API.
              {hidden && !secret && " To make it plain, give its value again."}
            </span>
          </span>
        </div>
        {error !== null && <Problem error={error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button
            look="primary"
            type="submit"
            busy={busy}
            disabled={name === "" || wrong || twice || (hidden && !secret && value === "")}
          >
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
