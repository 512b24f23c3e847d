/** What a deploy would change of what is live: the graph compared here, the rest by the server. */

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, must, type Schemas } from "@/api/client";
import { type FullWorkflow, queries } from "@/api/queries";
import { missing, namesIn, variablesQuery } from "@/environment/variables";
import { graphFrom } from "@/graph/from";
import { asJson, type Graph } from "@/graph/model";
import { diffGraphs, type GraphDiff } from "@/versions/graph-diff";

export type Changes = {
  /** null while nothing is live. */
  diff: GraphDiff | null;
  /** Module, packages and names of variables; null where the graph can't be compiled. */
  rest: Schemas["ChangesShape"] | null;
  /** Asked for by the graph or the entry code, and not set. */
  missing: string[];
  loading: boolean;
};

/** `valid` is whether the graph has no errors that are known: then the server is asked. */
export function useChanges(workflow: FullWorkflow, graph: Graph | null, valid: boolean): Changes {
  const { id, entryCode, envVars, deployment } = workflow;
  const live = deployment?.status === "active" ? deployment : null;
  const before = useQuery({
    ...queries.version(id, live?.versionId ?? ""),
    enabled: live !== null,
  });
  const rest = useQuery({
    queryKey: ["workflows", id, "changes", graph],
    queryFn: () =>
      must(
        api.POST("/api/workflows/{id}/changes", {
          params: { path: { id } },
          body: { ir: asJson(graph as Graph) },
        }),
      ),
    enabled: live !== null && graph !== null && valid,
    gcTime: 0,
    retry: false,
  });
  const shared = useQuery(variablesQuery());
  const diff = useMemo(
    () => (before.data && graph ? diffGraphs(graphFrom(before.data.ir, ""), graph) : null),
    [before.data, graph],
  );
  const used = useMemo(() => namesIn([graph?.nodes, graph?.module, entryCode]), [graph, entryCode]);
  return {
    diff,
    rest: rest.data ?? null,
    missing: shared.data ? missing(used, [...envVars, ...shared.data]) : [],
    loading: live !== null && (before.isPending || (valid && graph !== null && rest.isPending)),
  };
}
