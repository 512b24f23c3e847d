/** What needs somebody: pure, so that it can be told by tests. */

import type { HandlerFailure, ListedWorkflow, Run } from "@/api/queries";

export type Attention =
  | { kind: "crashed"; workflow: ListedWorkflow; why: string }
  | { kind: "request"; workflow: ListedWorkflow; failure: HandlerFailure }
  | { kind: "errored"; workflow: string; runs: Run[] }
  | { kind: "waiting"; workflow: string; runs: Run[] }
  | { kind: "missing"; workflow: { id: string; name: string }; names: string[] }
  | { kind: "undeployed"; workflow: ListedWorkflow };

const DAY = 24 * 3600 * 1000;
/** A run that waits longer than this may have been forgotten, in milliseconds. */
const LONG = 3600 * 1000;

type Known = {
  workflows: ListedWorkflow[];
  errored: Run[];
  waiting: Run[];
  missing: { workflow: { id: string; name: string }; names: string[] }[];
  now: Date;
};

/** The gravest kind first, and of each the newest: what takes no runs, what failed within a day (requests, runs), what waits, what is not set, what is not live. */
export function attention({ workflows, errored, waiting, missing, now }: Known): Attention[] {
  const since = (at: string) => now.getTime() - new Date(at).getTime();
  const failed = grouped(
    errored.filter((run) => since(endOf(run)) < DAY),
    endOf,
  );
  // One that waits for its next attempt goes on by itself.
  const held = grouped(
    waiting.filter((run) => run.nextAttemptAt === null && since(run.createdAt) > LONG),
    (run) => run.createdAt,
  );
  const requests = workflows
    .flatMap((workflow) =>
      !workflow.crashed && workflow.handlerFailure && since(workflow.handlerFailure.at) < DAY
        ? [{ kind: "request" as const, workflow, failure: workflow.handlerFailure }]
        : [],
    )
    .sort((a, b) => Date.parse(b.failure.at) - Date.parse(a.failure.at));
  return [
    ...workflows.flatMap((workflow): Attention[] =>
      workflow.crashed ? [{ kind: "crashed", workflow, why: workflow.crashed }] : [],
    ),
    ...requests,
    ...failed.map(([workflow, runs]): Attention => ({ kind: "errored", workflow, runs })),
    ...held.map(([workflow, runs]): Attention => ({ kind: "waiting", workflow, runs })),
    ...missing.map((one): Attention => ({ kind: "missing", ...one })),
    ...workflows.flatMap((workflow): Attention[] =>
      workflow.liveVersion !== null && workflow.liveVersion !== workflow.newestVersion
        ? [{ kind: "undeployed", workflow }]
        : [],
    ),
  ];
}

function endOf(run: Run): string {
  return run.endedAt ?? run.createdAt;
}

/** By workflow; the newest run first, and the workflow that has it. */
function grouped(runs: Run[], at: (run: Run) => string): [string, Run[]][] {
  const found = new Map<string, Run[]>();
  for (const run of [...runs].sort((a, b) => Date.parse(at(b)) - Date.parse(at(a)))) {
    found.set(run.workflowId, [...(found.get(run.workflowId) ?? []), run]);
  }
  return [...found];
}
