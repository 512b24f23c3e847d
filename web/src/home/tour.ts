/** The first-run tour: four steps, each done once the server says so. Nothing of it is acted. */

import type { ListedWorkflow, Run } from "@/api/queries";

const DISMISSED = "awaitstep.tour.dismissed";
const FOLLOWED = "awaitstep.tour.workflow";
const LOOKED = "awaitstep.tour.looked";

type TourStep = { id: "create" | "look" | "deploy" | "run"; done: boolean };

export type Tour = {
  workflow: ListedWorkflow | undefined;
  run: Run | undefined;
  steps: TourStep[];
  finished: boolean;
};

type Known = {
  workflows: ListedWorkflow[];
  runs: Run[];
  /** The workflow that was made on the tour. */
  followed: string | null;
  /** Whether its canvas was looked at. */
  looked: boolean;
  /** Whether a run of it has completed, ever, or one that was started in the dashboard. */
  completed: boolean;
};

/** More workflows than this are no beginning: who has them needs no tour. */
const FEW = 2;

export function isOffered({ workflows, followed }: Pick<Known, "workflows" | "followed">): boolean {
  return workflows.length <= FEW || workflows.some((workflow) => workflow.id === followed);
}

export function tourOf({ workflows, runs, followed, looked, completed }: Known): Tour {
  const workflow = workflows.find((one) => one.id === followed);
  const own = workflow ? runs.filter((run) => run.workflowId === workflow.id) : [];
  const run = own.find((one) => one.status === "complete") ?? own[0];
  const deployed = workflow !== undefined && workflow.liveVersion !== null;
  const ran = completed || run?.status === "complete" || workflow?.lastRun?.status === "complete";
  const steps: TourStep[] = [
    { id: "create", done: workflow !== undefined },
    { id: "look", done: workflow !== undefined && (looked || deployed) },
    { id: "deploy", done: deployed },
    { id: "run", done: ran },
  ];
  return { workflow, run, steps, finished: steps.every((step) => step.done) };
}

export const kept = {
  dismissed: () => localStorage.getItem(DISMISSED) === "yes",
  dismiss: () => localStorage.setItem(DISMISSED, "yes"),
  resume: () => localStorage.removeItem(DISMISSED),
  followed: () => localStorage.getItem(FOLLOWED),
  /** The tour goes with the first workflow that is made while it is open. */
  follow: (workflow: string, workflows: { id: string }[] = []) => {
    const followed = localStorage.getItem(FOLLOWED);
    if (workflows.some((one) => one.id === followed)) return;
    localStorage.setItem(FOLLOWED, workflow);
  },
  looked: (workflow: string) => localStorage.getItem(LOOKED) === workflow,
  look: (workflow: string) => localStorage.setItem(LOOKED, workflow),
};
