/** Taking a deployment down: what it costs is counted first. */

import type { QueryClient } from "@tanstack/react-query";
import { create } from "zustand";
import { api, must } from "@/api/client";
import type { Deployment } from "@/api/queries";
import type { Question } from "@/design/dialog";
import { plural } from "@/design/format";
import { told } from "@/design/toast";

export const useTakeDown = create<{ busy: ReadonlySet<string> }>(() => ({ busy: new Set() }));

const LIVE = ["queued", "running", "waiting", "paused"] as const;
const COUNTED = 100;

/** How many runs of a workflow go on, in words: `3 runs`, `100 runs and more`; empty for none. */
export async function liveRuns(workflow: string): Promise<string> {
  const { data, nextCursor } = await must(
    api.GET("/api/workflows/{id}/runs", {
      params: { path: { id: workflow }, query: { status: [...LIVE], limit: COUNTED } },
    }),
  );
  if (data.length === 0) return "";
  return plural(data.length, "run") + (nextCursor ? " and more" : "");
}

export async function takeDown(
  deployment: Pick<Deployment, "workflowId" | "url">,
  confirm: (question: Question) => Promise<boolean>,
  cache: QueryClient,
): Promise<void> {
  const { workflowId, url } = deployment;
  const live = await liveRuns(workflowId);
  const sure = await confirm({
    title: "Take it down?",
    text: (
      <>
        <p>
          <span className="font-mono text-table break-all">{url}</span> answers 404 from then on,
          and nothing can be started until the next deploy.
        </p>
        <p className="mt-2">
          {live
            ? `${live} will go on to the end on the version they started with.`
            : "No run is under way."}
        </p>
      </>
    ),
    action: "Take down",
  });
  if (!sure) return;
  useTakeDown.setState(({ busy }) => ({ busy: new Set(busy).add(workflowId) }));
  try {
    const done = await must(
      api.POST("/api/workflows/{id}/takedown", {
        params: { path: { id: workflowId } },
        body: { terminateRuns: false },
      }),
    );
    told(done.liveRuns > 0 ? `Taken down; ${plural(done.liveRuns, "run")} go on.` : "Taken down.");
  } finally {
    useTakeDown.setState(({ busy }) => ({
      busy: new Set([...busy].filter((id) => id !== workflowId)),
    }));
    await Promise.all([
      cache.invalidateQueries({ queryKey: ["workflows"] }),
      cache.invalidateQueries({ queryKey: ["deployments"] }),
    ]);
  }
}
