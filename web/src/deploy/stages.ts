/** The stages of a deploy as the server tells them. Only a `result` is a success. */

type StageState = "ahead" | "working" | "done" | "failed";
export type Stage = { id: string; title: string; message: string; state: StageState };

export type Result = { deploymentId: string; versionId: string; url: string; workerName: string };

export type Told = {
  stages: Stage[];
  /** From 0 to 100. */
  progress: number;
  end: "result" | "error" | null;
};

const TITLES: Record<string, string> = {
  validate: "Check the graph",
  compile: "Write the Python module",
  packages: "Install packages",
  bundle: "Store the module",
  activate: "Go live",
};

export function begun(packages: boolean): Told {
  const ids = Object.keys(TITLES).filter((id) => id !== "packages" || packages);
  return { stages: ids.map(ahead), progress: 0, end: null };
}

function ahead(id: string): Stage {
  return { id, title: TITLES[id] ?? id, message: "", state: "ahead" };
}

export function heard(told: Told, event: string, data: unknown): Told {
  if (event === "progress" && isProgress(data)) return reached(told, data);
  if (event === "result") {
    const stages = told.stages.map((stage) => ({ ...stage, state: "done" as const }));
    return { stages, progress: 100, end: "result" };
  }
  if (event === "error") return { ...stopped(told), end: "error" };
  return told;
}

/** Where it was when it ended: the stage that was at work failed. */
export function stopped(told: Told): Told {
  const stages = told.stages.map((stage) =>
    stage.state === "working" ? { ...stage, state: "failed" as const } : stage,
  );
  return { ...told, stages };
}

type Progress = { stage: string; message: string; progress: number };

function isProgress(data: unknown): data is Progress {
  const told = data as Partial<Progress> | null;
  return (
    typeof told?.stage === "string" &&
    typeof told.message === "string" &&
    typeof told.progress === "number"
  );
}

function reached(told: Told, { stage: id, message, progress }: Progress): Told {
  const known = told.stages.some((stage) => stage.id === id);
  const all = known ? told.stages : withNew(told.stages, id);
  const at = all.findIndex((stage) => stage.id === id);
  const stages = all.map((stage, index): Stage => {
    if (index === at) return { ...stage, message, state: "working" };
    return index < at ? { ...stage, state: "done" } : stage;
  });
  return { stages, progress: Math.max(told.progress, Math.min(100, progress)), end: null };
}

/** A stage nobody expected stands after all that have begun. */
function withNew(stages: Stage[], id: string): Stage[] {
  const next = stages.findIndex((stage) => stage.state === "ahead");
  const at = next < 0 ? stages.length : next;
  return [...stages.slice(0, at), ahead(id), ...stages.slice(at)];
}
