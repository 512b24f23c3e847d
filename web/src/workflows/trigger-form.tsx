import { Link, useParams } from "@tanstack/react-router";
import { Field, Input, Select } from "@/design/field";
import { Section } from "@/design/section";
import { useEditor, useEditorStore } from "@/editor/store";
import { setTrigger } from "@/graph/edits";
import type { Trigger } from "@/graph/model";

type Type = Trigger["type"];

const TYPES: { value: Type; label: string; text: string }[] = [
  {
    value: "manual",
    label: "By hand or by API",
    text: "The dashboard, the API and its Worker URL.",
  },
  { value: "http", label: "HTTP request", text: "Its Worker URL, by the method that you name." },
  {
    value: "schedule",
    label: "Schedule",
    text: "Kept with the graph and compiled into the module. This server starts nothing by it yet.",
  },
  {
    value: "event",
    label: "Event",
    text: "Kept with the graph. This server starts nothing by it yet.",
  },
];

const MADE: Record<Type, Trigger> = {
  manual: { type: "manual" },
  http: { type: "http", method: "POST" },
  schedule: { type: "schedule", cron: "0 9 * * *" },
  event: { type: "event", eventType: "order.created" },
};

/** What the graph says it is started by. It is part of the drawing: saved with it, deployed with it. */
export function TriggerForm() {
  const { id } = useParams({ strict: false });
  const store = useEditorStore();
  const trigger = useEditor((state) => state.graph.trigger) ?? MADE.manual;
  const written = useEditor((state) => state.graph.module !== undefined);
  const problem = useEditor((state) =>
    state.problems.find((one) => !one.nodeId && one.path?.startsWith("trigger")),
  );
  if (written) return null;
  const set = (next: Trigger) =>
    store.getState().edit("Change trigger", (graph) => setTrigger(graph, next), "trigger");
  const field = (label: string, key: string, hint: string) => (
    <Field label={label} hint={hint} error={problem?.message}>
      {(ids) => (
        <Input
          {...ids}
          value={String(trigger[key] ?? "")}
          spellCheck={false}
          className="font-mono"
          onChange={(event) => set({ ...trigger, [key]: event.target.value })}
        />
      )}
    </Field>
  );
  return (
    <Section
      title="Trigger"
      text={
        <>
          Part of the graph, as the{" "}
          <Link
            to="/workflows/$id"
            params={{ id: id as string }}
            className="text-accent underline underline-offset-2"
          >
            canvas
          </Link>{" "}
          is: it acts from the next deploy on.
        </>
      }
    >
      <div className="grid gap-3 sm:grid-cols-2">
        <Field label="Started by" hint={TYPES.find((one) => one.value === trigger.type)?.text}>
          {({ id: field }) => (
            <Select<Type>
              id={field}
              value={trigger.type}
              choices={TYPES}
              onChange={(type) => set(MADE[type])}
            />
          )}
        </Field>
        {trigger.type === "http" && (
          <Field label="Method">
            {({ id: field }) => (
              <Select
                id={field}
                value={String(trigger.method ?? "POST")}
                choices={["GET", "POST", "PUT", "PATCH", "DELETE"].map((value) => ({
                  value,
                  label: value,
                }))}
                onChange={(method) => set({ ...trigger, method })}
              />
            )}
          </Field>
        )}
        {trigger.type === "schedule" &&
          field("Cron", "cron", "Minute, hour, day, month, weekday; in UTC.")}
        {trigger.type === "event" && field("Type of event", "eventType", "Letters, digits, dots.")}
      </div>
    </Section>
  );
}
