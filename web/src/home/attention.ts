/** What needs somebody: pure, so that it can be told by tests. */

import type { ListedWorkflow, Run } from "@/api/queries";

export type Attention =
  | { kind: "crashed"; workflow: ListedWorkflow; why: string }
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

/** The gravest first: what takes no runs, what failed within a day, what waits, what is not set, what is not live. */
export function attention({ workflows, errored, waiting, missing, now }: Known): Attention[] {
  const since = (at: string) => now.getTime() - new Date(at).getTime();
  const failed = grouped(errored.filter((run) => since(run.endedAt ?? run.createdAt) < DAY));
  // One that waits for its next attempt goes on by itself.
  const held = grouped(
    waiting.filter((run) => run.nextAttemptAt === null && since(run.createdAt) > LONG),
  );
  return [
    ...workflows.flatMap((workflow): Attention[] =>
      workflow.crashed ? [{ kind: "crashed", workflow, why: workflow.crashed }] : [],
    ),
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

function grouped(runs: Run[]): [string, Run[]][] {
  const found = new Map<string, Run[]>();
  for (const run of runs) found.set(run.workflowId, [...(found.get(run.workflowId) ?? []), run]);
  return [...found];
}
