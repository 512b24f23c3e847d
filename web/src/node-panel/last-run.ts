/** What the newest runs told of each node: its last step, and the value it gave. */

import { queryOptions, useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, must } from "@/api/client";
import type { Run, Step } from "@/api/queries";
import { useEditor, useEditorStore } from "@/editor/store";
import { isRecord } from "@/graph/record";

type LastStep = { run: Run; step: Step; value: unknown; known: boolean };
type LastRuns = { nodes: Map<string, LastStep>; runs: Run[] };

const RUNS = 5;
const STEPS = 100;

function lastRuns(workflow: string) {
  return queryOptions({
    queryKey: ["workflows", workflow, "last-runs"],
    queryFn: () => load(workflow),
    staleTime: 2000,
  });
}

async function load(workflow: string): Promise<LastRuns> {
  const path = { id: workflow };
  const { data: runs } = await must(
    api.GET("/api/workflows/{id}/runs", { params: { path, query: { limit: RUNS } } }),
  );
  const nodes = new Map<string, LastStep>();
  for (const run of runs) {
    const { data: steps } = await must(
      api.GET("/api/workflows/{id}/runs/{run}/steps", {
        params: { path: { ...path, run: run.instanceId }, query: { limit: STEPS } },
      }),
    );
    for (const [node, found] of lastSteps(run, steps)) {
      if (!nodes.has(node)) nodes.set(node, found);
    }
  }
  return { nodes, runs };
}

/** The last step of each node in a run, with the node's value where it is the step's output. */
function lastSteps(run: Run, steps: readonly Step[]): Map<string, LastStep> {
  const found = new Map<string, LastStep>();
  for (const step of steps) {
    if (!step.nodeId) continue;
    const known = step.status === "complete" && step.type !== "sleep";
    found.set(step.nodeId, { run, step, known, value: known ? answerOf(step) : undefined });
  }
  return found;
}

/** The step of a node that waits for another run, and its number in a loop. */
const ASKED = / · result( \[.*\])?$/;

/** The value of a wait for another run is what that run answered, not how it ended. */
function answerOf(step: Step): unknown {
  const output = step.output;
  if (!isRecord(output)) return output;
  if (step.eventType?.startsWith("child-") && isRecord(output.payload)) {
    return output.payload.output ?? null;
  }
  // where runs have to be asked
  if (step.type === "do" && ASKED.test(step.name) && "status" in output) {
    return output.output ?? null;
  }
  return output;
}

/** Asks anew whenever a node is opened, and keeps previews and completion up to date with it. */
export function useLastRuns() {
  const store = useEditorStore();
  const workflow = useEditor((state) => state.workflow);
  const query = useQuery(lastRuns(workflow));
  const { data } = query;
  useEffect(() => {
    if (!data || data.runs.length === 0) return;
    const samples = new Map(
      [...data.nodes].filter(([, one]) => one.known).map(([node, one]) => [node, one.value]),
    );
    store.getState().set({ samples, payload: data.runs[0]?.params ?? undefined });
  }, [data, store]);
  return query;
}
