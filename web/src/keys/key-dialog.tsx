import { useQuery } from "@tanstack/react-query";
import { TriangleAlert } from "lucide-react";
import { useState } from "react";
import { api, must, type Schemas } from "@/api/client";
import { queries } from "@/api/queries";
import { useAct } from "@/design/act";
import { Button } from "@/design/button";
import { Command } from "@/design/copy";
import { Dialog } from "@/design/dialog";
import { Checkbox, Field, Input } from "@/design/field";
import { Problem } from "@/design/problem";

type Scope = "read" | "write" | "deploy";

const SCOPES: { scope: Scope; text: string }[] = [
  { scope: "read", text: "Look at everything: workflows, runs, steps. Included in the others." },
  { scope: "deploy", text: "Deploy, start runs, pause and end them, send events." },
  { scope: "write", text: "Change workflows, variables, connections and keys." },
];

/** A new key, which is shown this once. */
export function KeyDialog({ onClose, onMade }: { onClose: () => void; onMade: () => void }) {
  const { data: me } = useQuery(queries.me());
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<ReadonlySet<Scope>>(new Set(["read", "deploy"]));
  const { act, busy, error } = useAct();
  const [made, setMade] = useState<Schemas["NewKeyShape"] | null>(null);

  const make = () =>
    act(async () => {
      const body = { name: name.trim(), scopes: [...scopes] };
      setMade(await must(api.POST("/api/api-keys", { body })));
      onMade();
    });
  if (made) return <Made made={made} onClose={onClose} />;
  return (
    <Dialog open onClose={onClose} title="New API key">
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void make();
        }}
      >
        <Field label="Name" hint="What uses it, so that you know what to delete later.">
          {(ids) => (
            <Input
              {...ids}
              autoFocus
              value={name}
              maxLength={100}
              placeholder="Deploys from CI"
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <fieldset className="flex flex-col gap-2">
          <legend className="mb-1 font-medium text-soft text-table">What it may do</legend>
          {SCOPES.map(({ scope, text }) => (
            <div key={scope} className="flex items-start gap-2.5">
              <span className="mt-0.5">
                <Checkbox
                  label={scope}
                  checked={scopes.has(scope)}
                  disabled={me !== undefined && !me.scopes.includes(scope)}
                  onChange={(checked) => {
                    const next = new Set(scopes);
                    if (checked) next.add(scope);
                    else next.delete(scope);
                    setScopes(next);
                  }}
                />
              </span>
              <span>
                <span className="font-medium">{scope}</span>
                <span className="block text-muted text-table">{text}</span>
              </span>
            </div>
          ))}
        </fieldset>
        {error !== null && <Problem error={error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button
            look="primary"
            type="submit"
            busy={busy}
            disabled={!name.trim() || scopes.size === 0}
          >
            Make the key
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Made({ made, onClose }: { made: Schemas["NewKeyShape"]; onClose: () => void }) {
  const { data: workflows } = useQuery(queries.workflows());
  const started = workflows?.find((workflow) => workflow.activeDeploymentId !== null);
  const line =
    made.scopes.includes("deploy") && started
      ? `curl -X POST ${location.origin}/api/workflows/${started.id}/trigger -H 'Authorization: Bearer ${made.key}' -H 'Content-Type: application/json' -d '{"params": {}}'`
      : `curl ${location.origin}/api/workflows -H 'Authorization: Bearer ${made.key}'`;
  return (
    <Dialog
      open
      onClose={onClose}
      width={600}
      title={`${made.name} is made`}
      actions={
        <Button look="primary" onClick={onClose}>
          I have kept it
        </Button>
      }
    >
      <div className="flex flex-col gap-3">
        <p className="flex gap-2 rounded-control border border-waiting/40 bg-waiting/5 p-3">
          <TriangleAlert size={16} className="mt-0.5 shrink-0 text-waiting" />
          This is the only time it is shown. Keep it where secrets are kept.
        </p>
        <Command text={made.key} />
        <p className="text-muted text-table">
          {started && made.scopes.includes("deploy")
            ? `Starts a run of ${started.name}:`
            : "Lists the workflows:"}
        </p>
        <Command text={line} />
      </div>
    </Dialog>
  );
}
