import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api, must } from "@/api/client";
import { queries, type Run, type Step } from "@/api/queries";
import { useAct } from "@/design/act";
import { Button } from "@/design/button";
import { CodeEditor } from "@/design/code";
import { Dialog } from "@/design/dialog";
import { Field, Input } from "@/design/field";
import { Keys } from "@/design/keys";
import { Problem } from "@/design/problem";
import { told } from "@/design/toast";
import { eventExample } from "./event-example";
import { readPayload, writePayload } from "./payload";
import { focusAtEnd, useSubmitKeys } from "./submit-keys";

type SendEventDialogProps = {
  run: Run;
  steps: readonly Step[];
  /** The type to begin with, else the one that is waited for. */
  type?: string;
  onClose: () => void;
};

/** The types that steps of the run wait for now, each once. Other runs are waited for by the engine. */
function awaitedTypes(steps: readonly Step[]): string[] {
  const types = steps
    .filter((step) => step.type === "wait" && step.status === "waiting")
    .flatMap((step) => step.eventType ?? [])
    .filter((type) => !type.startsWith("child-"));
  return [...new Set(types)];
}

/** Sends an event to a run. One that nobody waits for yet is kept until somebody does. */
export function SendEventDialog({ run, steps, type: given, onClose }: SendEventDialogProps) {
  const awaited = awaitedTypes(steps);
  // the steps may still be read when somebody asks to send one
  const [chosen, setType] = useState<string | null>(null);
  const type = chosen ?? given ?? awaited[0] ?? "";
  const { data: templates = [] } = useQuery(queries.templates());
  const example = useMemo(() => eventExample(templates, steps, type), [templates, steps, type]);
  // as long as nobody has typed, the payload is the example of the type that is chosen
  const [typed, setText] = useState<string | null>(null);
  const text = typed ?? (example === undefined ? "" : writePayload(example));
  const { act, busy, error } = useAct();
  const { value, given: has, problem } = readPayload(text);
  const ready = type.trim() !== "" && !problem;

  const send = async () => {
    if (!ready) return;
    await act(async () => {
      await must(
        api.POST("/api/workflows/{id}/runs/{run}/events", {
          params: { path: { id: run.workflowId, run: run.instanceId } },
          body: { type: type.trim(), payload: has ? value : null },
        }),
      );
      told(`The event ${type.trim()} is sent.`);
      onClose();
    });
  };
  const onKeyDown = useSubmitKeys(send);

  return (
    <Dialog
      open
      onClose={onClose}
      title="Send an event"
      description={
        awaited.length > 0
          ? "A step waits for it, and goes on with its payload."
          : "No step waits now; it is kept until one waits for its type."
      }
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" busy={busy} disabled={!ready} onClick={() => void send()}>
            Send <Keys keys="Mod+Enter" />
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3" onKeyDownCapture={onKeyDown}>
        <Field label="Type">
          {(ids) => (
            <Input
              {...ids}
              data-autofocus
              value={type}
              maxLength={100}
              onChange={(event) => setType(event.target.value)}
              placeholder="approval"
              className="font-mono"
            />
          )}
        </Field>
        {awaited.length > 0 && (
          <div className="-mt-1 flex flex-wrap items-center gap-1.5 text-muted text-table">
            Waited for:
            {awaited.map((one) => (
              <button
                key={one}
                type="button"
                aria-pressed={one === type}
                onClick={() => setType(one)}
                className="rounded-full border bg-surface px-2 font-mono text-soft hover:border-accent hover:text-accent aria-pressed:border-accent aria-pressed:bg-accent-soft"
              >
                {one}
              </button>
            ))}
          </div>
        )}
        <Field label="Payload (JSON)" error={problem && `Line ${problem.line}: ${problem.message}`}>
          {(ids) => (
            <CodeEditor
              describedBy={ids["aria-describedby"]}
              invalid={ids["aria-invalid"]}
              label="Payload"
              language="json"
              value={text}
              onChange={setText}
              placeholder='{"approved": true}'
              problems={problem ? [problem] : []}
              onView={type === "" ? undefined : focusAtEnd}
              minHeight={96}
              maxHeight={260}
            />
          )}
        </Field>
        {error !== null && <Problem error={error} />}
      </div>
    </Dialog>
  );
}
