import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { History, Play } from "lucide-react";
import { useMemo, useState } from "react";
import { api, must } from "@/api/client";
import type { FullWorkflow } from "@/api/queries";
import { useAct } from "@/design/act";
import { Button } from "@/design/button";
import { CodeEditor } from "@/design/code";
import { Command } from "@/design/copy";
import { Dialog } from "@/design/dialog";
import { Field, Input } from "@/design/field";
import { Folded } from "@/design/folded";
import { Keys } from "@/design/keys";
import { Problem } from "@/design/problem";
import { Segments } from "@/forms/segments";
import { curl } from "./curl";
import { brief } from "./gist";
import { exampleOf, payloadFields, readPayload, remembered, writePayload } from "./payload";
import { PayloadForm } from "./payload-form";
import { focusAtEnd, useSubmitKeys } from "./submit-keys";

type TriggerDialogProps = { workflow: FullWorkflow; onClose: () => void };

const INSTANCE = /^[A-Za-z0-9_-]{1,100}$/;
const SHOWN = 6;

function keptAt(workflow: string): string {
  return `awaitstep.payloads.${workflow}`;
}

function kept(workflow: string): string[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(keptAt(workflow)) ?? "[]");
    return Array.isArray(list)
      ? list.filter((one) => typeof one === "string" && !readPayload(one).problem)
      : [];
  } catch {
    return [];
  }
}

/** Payloads of late: those that were sent from here, then those of the newest runs. */
function useRecent(workflow: string): string[] {
  const { data: runs } = useQuery({
    queryKey: ["workflows", workflow, "recent-payloads"],
    queryFn: async () =>
      (
        await must(
          api.GET("/api/workflows/{id}/runs", {
            params: { path: { id: workflow }, query: { limit: 20 } },
          }),
        )
      ).data,
  });
  const texts = (runs ?? [])
    .filter((run) => run.params !== null)
    .map((run) => writePayload(run.params));
  return [...new Set([...kept(workflow), ...texts])].slice(0, SHOWN);
}

/** Starts a run, with a payload or without one. */
export function TriggerDialog({ workflow, onClose }: TriggerDialogProps) {
  const navigate = useNavigate();
  const recent = useRecent(workflow.id);
  const [text, setText] = useState(() =>
    workflow.payloadSchema ? writePayload(exampleOf(workflow.payloadSchema)) : "",
  );
  const fields = useMemo(() => payloadFields(workflow.payloadSchema), [workflow.payloadSchema]);
  const [form, setForm] = useState(fields.length > 0);
  const [instance, setInstance] = useState("");
  const { act, busy, error } = useAct();
  const { value, given, problem } = readPayload(text);
  const badId = instance !== "" && !INSTANCE.test(instance);
  const ready = !problem && !badId;
  const body = {
    ...(given && { params: value }),
    ...(instance && { instanceId: instance }),
  };

  const run = async () => {
    if (!ready) return;
    await act(async () => {
      const started = await must(
        api.POST("/api/workflows/{id}/trigger", {
          params: { path: { id: workflow.id } },
          body,
        }),
      );
      if (given) {
        localStorage.setItem(
          keptAt(workflow.id),
          JSON.stringify(remembered(kept(workflow.id), writePayload(value))),
        );
      }
      onClose();
      await navigate({
        to: "/workflows/$id/runs/$run",
        params: { id: workflow.id, run: started.instanceId },
      });
    });
  };
  const onKeyDown = useSubmitKeys(run);

  return (
    <Dialog
      open
      onClose={onClose}
      width={600}
      title={`Trigger ${workflow.name}`}
      description="A run starts with the version that is live."
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            look="primary"
            icon={Play}
            busy={busy}
            disabled={!ready}
            onClick={() => void run()}
          >
            Run <Keys keys="Mod+Enter" />
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3" onKeyDownCapture={onKeyDown}>
        {fields.length > 0 && (
          <Segments
            label="How the payload is written"
            value={form ? "form" : "json"}
            choices={[
              { value: "form", label: "Form" },
              { value: "json", label: "JSON" },
            ]}
            onChange={(next) => setForm(next === "form")}
          />
        )}
        {form && !problem ? (
          <PayloadForm
            fields={fields}
            value={value}
            onChange={(next) => setText(writePayload(next))}
          />
        ) : (
          <Field
            label="Payload (JSON, optional)"
            error={problem && `Line ${problem.line}: ${problem.message}`}
            hint={'The workflow reads it as event["payload"].'}
          >
            {(ids) => (
              <CodeEditor
                describedBy={ids["aria-describedby"]}
                invalid={ids["aria-invalid"]}
                label="Payload"
                language="json"
                value={text}
                onChange={setText}
                placeholder={'{\n  "orderId": "ord_001"\n}'}
                problems={problem ? [problem] : []}
                onView={focusAtEnd}
                lineNumbers
                minHeight={128}
                maxHeight={300}
              />
            )}
          </Field>
        )}
        {recent.length > 0 && <Recent recent={recent} onPick={setText} />}
        <Field
          label="Instance id (optional)"
          error={badId ? "1 to 100 of A-Z a-z 0-9 _ -" : undefined}
          hint="The same id and payload again answer with the same run."
        >
          {(ids) => (
            <Input
              {...ids}
              value={instance}
              onChange={(event) => setInstance(event.target.value)}
              placeholder="made by the engine"
              className="font-mono"
            />
          )}
        </Field>
        {error !== null && <Problem error={error} />}
        <Folded title="The same by curl">
          <div className="mt-2">
            <Command
              text={curl(
                `/api/workflows/${encodeURIComponent(workflow.id)}/trigger`,
                "POST",
                Object.keys(body).length > 0 ? body : undefined,
              )}
            />
          </div>
        </Folded>
      </div>
    </Dialog>
  );
}

type RecentProps = { recent: string[]; onPick: (text: string) => void };

function Recent({ recent, onPick }: RecentProps) {
  return (
    <section aria-label="Recent payloads" className="flex flex-col gap-1">
      <h3 className="flex items-center gap-1.5 font-medium text-soft text-table">
        <History size={12} /> Recent payloads
      </h3>
      <ul className="flex flex-wrap gap-1.5">
        {recent.map((text) => (
          <li key={text} className="max-w-full min-w-0">
            <button
              type="button"
              onClick={() => onPick(text)}
              title={text}
              className="max-w-full truncate rounded-control border bg-sunken px-2 py-0.5 font-mono text-soft text-table hover:border-accent hover:text-accent"
            >
              {brief(JSON.parse(text)).slice(0, 64)}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
