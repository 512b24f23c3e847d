/** The variables a workflow may read: those of its project, and its own before them. */

import { queryOptions, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { allPages, api, must } from "@/api/client";
import { queries } from "@/api/queries";
import type { Variable } from "./readables";

const projectVariables = queryOptions({
  queryKey: ["env-vars"],
  queryFn: () =>
    allPages((cursor) =>
      must(api.GET("/api/env-vars", { params: { query: { limit: 100, cursor } } })),
    ),
});

export function useVariables(workflow: string): readonly Variable[] {
  const { data: project } = useQuery(projectVariables);
  const { data: full } = useQuery(queries.workflow(workflow));
  return useMemo(() => {
    const found = new Map<string, Variable>();
    for (const { name, value } of [...(project ?? []), ...(full?.envVars ?? [])]) {
      found.set(name, { name, value });
    }
    return [...found.values()].sort((a, b) => a.name.localeCompare(b.name));
  }, [project, full]);
}
