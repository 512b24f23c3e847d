/** What is live, and the last run of each workflow, as far as the newest hundred runs tell. */

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, must } from "@/api/client";
import { type Deployment, queries, type Run } from "@/api/queries";

export type Lately = { live: Map<string, Deployment>; last: Map<string, Run>; runs: Run[] };

export const newestRuns = () => ({
  queryKey: ["runs", "newest"],
  queryFn: async () =>
    (await must(api.GET("/api/runs", { params: { query: { limit: 100 } } }))).data,
  refetchInterval: 4000,
});

export function useLately(): Lately {
  const { data: deployments } = useQuery({ ...queries.deployments(), refetchInterval: 15_000 });
  const { data: runs } = useQuery(newestRuns());
  return useMemo(() => {
    const live = new Map<string, Deployment>();
    for (const deployment of deployments ?? []) {
      if (deployment.status === "active") live.set(deployment.workflowId, deployment);
    }
    const last = new Map<string, Run>();
    for (const run of runs ?? []) if (!last.has(run.workflowId)) last.set(run.workflowId, run);
    return { live, last, runs: runs ?? [] };
  }, [deployments, runs]);
}
