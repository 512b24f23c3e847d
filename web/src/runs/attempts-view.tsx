import type { Attempt, Step } from "@/api/queries";
import { duration, exact, plural } from "@/design/format";
import { State, type StateName } from "@/design/state";
import { Lasting, When } from "@/design/time";

function stateOf(attempt: Attempt, step: Step, last: boolean): StateName {
  if (attempt.error) return "errored";
  if (attempt.endedAt === null && step.endedAt === null) return "running";
  return last ? (step.status === "waiting" ? "errored" : step.status) : "cancelled";
}

/** Each try of a step: when, how long, how it ended, and when the next one was to follow. */
export function AttemptsView({ step }: { step: Step }) {
  if (step.attempts.length === 0) {
    return <p className="text-muted">A {step.type} has no attempts: it is only waited for.</p>;
  }
  return (
    <ol className="flex flex-col gap-2">
      {step.attempts.map((attempt, index) => {
        const last = index === step.attempts.length - 1;
        const missing = attempt.number - (step.attempts[index - 1]?.number ?? 0) - 1;
        return [
          missing > 0 && (
            <li key="missing" className="text-muted text-table">
              {plural(missing, "attempt")} between these {missing === 1 ? "is" : "are"} not kept.
            </li>
          ),
          <li key={attempt.number} className="rounded-control border p-2.5">
            <div className="flex flex-wrap items-center gap-x-3">
              <span className="font-medium">Attempt {attempt.number}</span>
              <State state={stateOf(attempt, step, last)} className="text-table" />
              <span className="ml-auto text-muted text-table">
                <Lasting from={attempt.startedAt} to={attempt.endedAt ?? step.endedAt} />
              </span>
            </div>
            <p className="mt-0.5 text-muted text-table">
              {exact(new Date(attempt.startedAt))}
              {attempt.logs.length > 0 && ` · ${plural(attempt.logs.length, "line")} printed`}
            </p>
            {attempt.error && (
              <p className="mt-1 break-words text-errored text-table">
                {attempt.error.name}: {attempt.error.message}
                {attempt.error.line != null && (
                  <span className="font-mono text-muted"> · line {attempt.error.line}</span>
                )}
              </p>
            )}
            {attempt.delay !== null && (
              <p className="mt-1 text-muted text-table">
                {last && step.status === "waiting" && step.dueAt ? (
                  <>
                    The next one follows <When at={step.dueAt} />.
                  </>
                ) : (
                  `The next one was to follow after ${duration(attempt.delay * 1000)}.`
                )}
              </p>
            )}
          </li>,
        ];
      })}
    </ol>
  );
}
