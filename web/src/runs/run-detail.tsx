import type { ReactNode } from "react";
import type { Run } from "@/api/queries";
import { JsonTree } from "@/design/json-tree";
import { When } from "@/design/time";
import { ErrorView } from "./error-view";

/** What the run was given, what came of it, and why it failed. */
export function RunDetail({ run }: { run: Run }) {
  const live = run.endedAt === null;
  return (
    <div className="flex flex-col">
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

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title} className="border-b p-3 last:border-b-0">
      <h2 className="mb-1.5 font-medium text-muted text-table">{title}</h2>
      {children}
    </section>
  );
}
