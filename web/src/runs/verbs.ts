/** What can be done with a run, and when. */

import { CirclePause, type LucideIcon, OctagonX, Play, RotateCcw, Trash2 } from "lucide-react";
import type { Run } from "@/api/queries";
import { ENDED } from "@/design/state";

export type Verb = "pause" | "resume" | "terminate" | "restart" | "delete";

type About = {
  title: string;
  icon: LucideIcon;
  /** While it is done, and once it is. */
  doing: string;
  done: string;
  danger?: boolean;
};

export const VERBS: Record<Verb, About> = {
  pause: { title: "Pause", icon: CirclePause, doing: "Pausing", done: "paused" },
  resume: { title: "Resume", icon: Play, doing: "Resuming", done: "resumed" },
  restart: { title: "Restart", icon: RotateCcw, doing: "Restarting", done: "restarted" },
  terminate: {
    title: "Terminate",
    icon: OctagonX,
    doing: "Terminating",
    done: "terminated",
    danger: true,
  },
  delete: { title: "Delete", icon: Trash2, doing: "Deleting", done: "deleted", danger: true },
};

export function isLive(run: Pick<Run, "status">): boolean {
  return !ENDED.has(run.status);
}

export function allows(run: Pick<Run, "status" | "pauseRequested">, verb: Verb): boolean {
  const paused = run.status === "paused" || run.pauseRequested;
  switch (verb) {
    case "pause":
      return isLive(run) && !paused;
    case "resume":
      return paused;
    case "terminate":
      return isLive(run);
    case "restart":
      return true;
    case "delete":
      return !isLive(run);
  }
}

/** What is lost by a verb on so many runs; null where nothing is. */
export function lossOf(verb: Verb, count: number): string | null {
  const runs = count === 1 ? "The run" : `${count.toLocaleString("en-GB")} runs`;
  const they = count === 1 ? "it" : "they";
  switch (verb) {
    case "terminate":
      return `${runs} will end now, and what ${they} still had to do is not done. Finished steps stay as they are.`;
    case "restart":
      return `${runs} will begin anew from the start. What ${they} recorded so far is dropped; the event log stays.`;
    case "delete":
      return `${runs} will be deleted with ${count === 1 ? "its" : "their"} whole history. This can't be undone.`;
    default:
      return null;
  }
}
