/** What a deploy would change, as far as the server and the editor can tell. */

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, must } from "@/api/client";
import { type FullWorkflow, queries } from "@/api/queries";

import { missing, namesIn, variablesQuery } from "@/environment/variables";
import { asJson, type Graph, graphFrom } from "@/graph/model";
import { diffGraphs, type GraphDiff } from "@/versions/graph-diff";

export type Changes = {
  /** null while nothing is live. */
  diff: GraphDiff | null;
  code: { before: string; after: string } | null;
  /** Set or changed since then. */
  variables: string[];
  /** Asked for by the graph or the entry code, and not set. */
  missing: string[];
  loading: boolean;
};

type Next = { graph: Graph | null; entryCode: string | null; valid: boolean };

export function useChanges(workflow: FullWorkflow, next: Next): Changes {
  const live = workflow.deployment?.status === "active" ? workflow.deployment : null;
  const before = useQuery({
    ...queries.version(workflow.id, live?.versionId ?? ""),
    enabled: live !== null,
  });
  const beforeCode = useQuery({
    ...queries.versionCode(workflow.id, live?.versionId ?? ""),
    enabled: live !== null,
  });
  const { graph, entryCode, valid } = next;
  const afterCode = useQuery({
    queryKey: ["compile", graph, entryCode],
    queryFn: () =>
      must(api.POST("/api/compile", { body: { ir: asJson(graph as Graph), entryCode } })),
    enabled: graph !== null && valid,
    gcTime: 0,
    retry: false,
  });
  const shared = useQuery(variablesQuery());
  const diff = useMemo(
    () => (before.data && graph ? diffGraphs(graphFrom(before.data.ir, ""), graph) : null),
    [before.data, graph],
  );
  const variables = live
    ? [...workflow.envVars, ...(shared.data ?? [])]
        .filter((variable) => variable.updatedAt > live.createdAt)
        .map((variable) => variable.name)
    : [];
  return {
    diff,
    code:
      beforeCode.data && afterCode.data
        ? { before: beforeCode.data.code, after: afterCode.data.code }
        : null,
    variables: [...new Set(variables)],
    missing:
      graph && shared.data
        ? missing(namesIn([graph.nodes, graph.module, entryCode]), [
            ...workflow.envVars,
            ...shared.data,
          ])
        : [],
    loading: live !== null && (before.isPending || (valid && afterCode.isPending)),
  };
}
