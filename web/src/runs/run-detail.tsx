import { BellRing } from "lucide-react";
import type { ReactNode } from "react";
import type { Run, Step } from "@/api/queries";
import { Button } from "@/design/button";
import { JsonTree } from "@/design/json-tree";
import { StateIcon } from "@/design/state";
import { When } from "@/design/time";
import { ErrorView } from "./error-view";
import { stepKey, triesOf } from "./history";

type RunDetailProps = {
  run: Run;
  steps: readonly Step[];
  onSelect: (key: string) => void;
  onEvent: (type: string) => void;
};

const SHOWN = 5;

/** What the run does now, what it was given, what came of it, and why it failed. */
export function RunDetail({ run, steps, onSelect, onEvent }: RunDetailProps) {
  const live = run.endedAt === null;
  const going = live ? steps.filter((step) => step.endedAt === null) : [];
  return (
    <div className="flex flex-col">
      {going.length > 0 && (
        <Part title="Now">
          <ul className="flex flex-col gap-1.5">
            {going.slice(-SHOWN).map((step) => (
              <li key={stepKey(step)} className="flex flex-wrap items-center gap-2">
                <StateIcon state={step.status} />
                <button
                  type="button"
                  onClick={() => onSelect(stepKey(step))}
                  className="min-w-0 truncate font-medium hover:text-accent hover:underline"
                >
                  {step.name}
                </button>
                <span className="text-muted text-table">
                  <Doing step={step} />
                </span>
                {step.type === "wait" && step.eventType && !isChild(step) && (
                  <Button
                    icon={BellRing}
                    onClick={() => onEvent(step.eventType as string)}
                    className="ml-auto h-7!"
                  >
                    Send event
                  </Button>
                )}
              </li>
            ))}
          </ul>
        </Part>
      )}
      {run.error && (
        <Part title={live ? "Error of the last attempt" : "Error"}>
          {run.nextAttemptAt && live && (
            <p className="mb-2 text-waiting text-table">
              Tried again <When at={run.nextAttemptAt} />.
            </p>
          )}
          <ErrorView error={run.error} workflow={run.workflowId} version={run.versionId} />
        </Part>
      )}
      <Part title="Input">
        {run.params === null ? (
          <p className="text-muted">It was started without a payload.</p>
        ) : (
          <JsonTree value={run.params} path={'event["payload"]'} />
        )}
      </Part>
      <Part title="Output">
        {run.status === "complete" ? (
          <JsonTree value={run.output} />
        ) : (
          <p className="text-muted">
            {live ? "It is there once the run is complete." : "There is none: it did not complete."}
          </p>
        )}
      </Part>
    </div>
  );
}

function isChild(step: Step): boolean {
  return step.eventType?.startsWith("child-") ?? false;
}

function Doing({ step }: { step: Step }) {
  if (step.status === "running") return `attempt ${Math.max(1, triesOf(step))} runs`;
  const due = step.dueAt && <When at={step.dueAt} />;
  if (step.type === "do") return <>tried again {due}</>;
  if (step.type === "sleep") return <>wakes {due}</>;
  if (isChild(step)) return "waits for the run it started";
  return (
    <>
      waits for <code className="font-mono">{step.eventType}</code>
      {due && <>, times out {due}</>}
    </>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title} className="border-b p-3 last:border-b-0">
      <h2 className="mb-1.5 font-medium text-muted text-table">{title}</h2>
      {children}
    </section>
  );
}
