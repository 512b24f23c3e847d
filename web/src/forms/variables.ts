/** The variables a workflow may read: those of its project, and its own before them. */

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { queries } from "@/api/queries";
import { variablesQuery } from "@/environment/variables";
import type { Variable } from "./readables";

export function useVariables(workflow: string): readonly Variable[] {
  const { data: project } = useQuery(variablesQuery());
  const { data: full } = useQuery(queries.workflow(workflow));
  return useMemo(() => {
    const found = new Map<string, Variable>();
    for (const { name, value } of [...(project ?? []), ...(full?.envVars ?? [])]) {
      found.set(name, { name, value });
    }
    return [...found.values()].sort((a, b) => a.name.localeCompare(b.name));
  }, [project, full]);
}
