/** One verb on many runs. The work goes on while other pages are looked at, and is told in a toast. */

import { toast } from "sonner";
import { type ApiError, api, must } from "@/api/client";
import type { Run } from "@/api/queries";
import { posted } from "@/api/stream";
import { plural } from "@/design/format";
import type { RunQuery } from "./filter";
import { VERBS, type Verb } from "./verbs";

type Counts = { done: number; failed: number; skipped: number };
type Progress = Counts & { total: number };
type Outcome = Counts & { errors: { instanceId: string; code: string; message: string }[] };

const AT_ONCE = 4;

function streamOf(workflow: string): string {
  return `/api/workflows/${encodeURIComponent(workflow)}/runs/bulk`;
}

/** How many of the runs that the filter finds the verb would change. */
export async function countMatching(
  workflow: string,
  verb: Verb,
  filter: RunQuery,
): Promise<number> {
  for await (const { event, data } of posted(streamOf(workflow), { verb, filter, dryRun: true })) {
    if (event === "result") return (data as Outcome).done;
    if (event === "error") throw new Error((data as { error: string }).error);
  }
  throw new Error("The connection was cut while the runs were counted.");
}

/** Tells how far it is, asks before the tab is closed meanwhile, and tells how it ended. */
async function tell(
  verb: Verb,
  work: (signal: AbortSignal, told: (now: Progress) => void) => Promise<Outcome>,
): Promise<void> {
  const { doing, done } = VERBS[verb];
  const stop = new AbortController();
  const leave = (event: BeforeUnloadEvent) => event.preventDefault();
  window.addEventListener("beforeunload", leave);
  const id = toast.loading(`${doing} runs…`, {
    action: { label: "Stop", onClick: () => stop.abort() },
  });
  let last: Progress = { done: 0, failed: 0, skipped: 0, total: 0 };
  try {
    const outcome = await work(stop.signal, (now) => {
      last = now;
      const gone = now.done + now.failed + now.skipped;
      toast.loading(`${doing} runs: ${gone.toLocaleString("en-GB")} of ${now.total}`, { id });
    });
    const text = `${plural(outcome.done, "run")} ${done}${skippedText(outcome.skipped)}.`;
    if (outcome.failed === 0) toast.success(text, { id, action: undefined });
    else {
      const first = outcome.errors[0]?.message ?? "";
      toast.error(`${text} ${outcome.failed} failed: ${first}`, { id, action: undefined });
    }
  } catch (error) {
    const so = `${plural(last.done, "run")} ${done}`;
    if (stop.signal.aborted) toast(`Stopped: ${so}.`, { id, action: undefined });
    else toast.error(`${so}, then: ${(error as Error).message}`, { id, action: undefined });
  } finally {
    window.removeEventListener("beforeunload", leave);
  }
}

function skippedText(count: number): string {
  return count > 0 ? `, ${count.toLocaleString("en-GB")} left as they were` : "";
}

/** Changes all runs that the filter finds. */
export function changeMatching(workflow: string, verb: Verb, filter: RunQuery): Promise<void> {
  return tell(verb, async (signal, told) => {
    for await (const { event, data } of posted(streamOf(workflow), { verb, filter }, signal)) {
      if (event === "progress") told(data as Progress);
      else if (event === "result") return data as Outcome;
      else if (event === "error") throw new Error((data as { error: string }).error);
    }
    throw new Error("the connection was cut");
  });
}

/** Changes these very runs. */
export function changeChosen(workflow: string, verb: Verb, ids: readonly string[]): Promise<void> {
  return tell(verb, async (signal, told) => {
    const now: Outcome = { done: 0, failed: 0, skipped: 0, errors: [] };
    const left = [...ids];
    const worker = async () => {
      for (let id = left.shift(); id !== undefined; id = left.shift()) {
        signal.throwIfAborted();
        try {
          await change(workflow, id, verb);
          now.done++;
        } catch (error) {
          const { code, message } = error as ApiError;
          if (code === "run.state") now.skipped++;
          else {
            now.failed++;
            now.errors.push({ instanceId: id, code, message });
          }
        }
        told({ ...now, total: ids.length });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return now;
  });
}

/** A verb on one run. Resolves to the run as it is then; to nothing when it was deleted. */
export async function change(workflow: string, run: string, verb: Verb): Promise<Run | undefined> {
  const params = { path: { id: workflow, run } };
  const base = "/api/workflows/{id}/runs/{run}";
  switch (verb) {
    case "pause":
      return must(api.POST(`${base}/pause`, { params }));
    case "resume":
      return must(api.POST(`${base}/resume`, { params }));
    case "terminate":
      return must(api.POST(`${base}/terminate`, { params }));
    case "restart":
      return must(api.POST(`${base}/restart`, { params }));
    case "delete":
      await must(api.DELETE(base, { params }));
  }
}
