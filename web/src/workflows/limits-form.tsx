import { useState } from "react";
import type { FullWorkflow } from "@/api/queries";
import { Field, Input } from "@/design/field";
import { Section } from "@/design/section";
import { asLimits, asText, type LimitsText, refusedIn, wrongIn } from "./limits";
import { SaveBar } from "./save-bar";
import { usePatch } from "./use-patch";

/** How much may run at once, begin in a period, and how long what has ended is kept. */
export function LimitsForm({ workflow }: { workflow: FullWorkflow }) {
  const patch = usePatch(workflow.id);
  const there = asText(workflow.limits);
  const [text, setText] = useState(there);
  const [refused, setRefused] = useState(refusedIn(null));
  const wrong = { ...refused, ...wrongIn(text) };
  const field = (key: keyof LimitsText, label: string, placeholder: string, hint?: string) => (
    <Field label={label} hint={hint} error={wrong[key]}>
      {(ids) => (
        <Input
          {...ids}
          value={text[key]}
          placeholder={placeholder}
          onChange={(event) => {
            setText({ ...text, [key]: event.target.value });
            setRefused({ ...refused, [key]: undefined });
          }}
        />
      )}
    </Field>
  );
  return (
    <Section title="Limits" text="What is empty is no limit. In force at once, without a deploy.">
      <div className="grid gap-3 sm:grid-cols-3">
        {field("concurrency", "Runs at once", "any", "One that waits is none of them.")}
        {field("startsLimit", "Starts", "any", "So many begin…")}
        {field("startsPeriod", "in each", "1 minute", "such as 1 minute, 2 hours")}
        {field("completed", "Keep complete runs", "for ever", "such as 30 days")}
        {field("failed", "Keep failed runs", "for ever", "errored and terminated ones")}
        {field("most", "Keep at most", "all", "so many of the newest that ended")}
      </div>
      <SaveBar
        changed={JSON.stringify(text) !== JSON.stringify(there)}
        wrong={Object.values(wrong).some(Boolean)}
        onReset={() => {
          setText(there);
          setRefused({});
        }}
        onSave={() =>
          patch({ limits: asLimits(text) }).catch((error) => {
            setRefused(refusedIn(error));
            throw error;
          })
        }
      />
    </Section>
  );
}
