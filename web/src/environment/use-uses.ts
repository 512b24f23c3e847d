/** Which workflows ask for which variables: read from their graphs and their entry code. */

import { useQueries, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { type FullWorkflow, queries } from "@/api/queries";
import { missing, namesIn, variablesQuery } from "./variables";

/** So many workflows are looked into: each costs a request. */
const MOST = 100;

type Use = { id: string; name: string };

/** The newest state of the newest workflows, with their graphs. */
export function useGraphs(): FullWorkflow[] {
  const { data: workflows } = useQuery(queries.workflows());
  return useQueries({
    queries: (workflows ?? []).slice(0, MOST).map(({ id }) => ({
      ...queries.workflow(id),
      staleTime: 30_000,
    })),
    combine: (answers) => answers.flatMap(({ data }) => (data ? [data] : [])),
  });
}

function namesOf(workflow: FullWorkflow): Set<string> {
  return namesIn([workflow.version?.ir, workflow.draft?.ir, workflow.entryCode]);
}

export function useUses(graphs: FullWorkflow[]): ReadonlyMap<string, Use[]> {
  return useMemo(() => {
    const found = new Map<string, Use[]>();
    for (const workflow of graphs) {
      const own = new Set(workflow.envVars.map((variable) => variable.name));
      for (const name of namesOf(workflow)) {
        // A workflow's own variable wins: the project's is not what it reads.
        if (own.has(name)) continue;
        const use = { id: workflow.id, name: workflow.name };
        found.set(name, [...(found.get(name) ?? []), use]);
      }
    }
    return found;
  }, [graphs]);
}

/** Workflows that ask for variables nobody set. */
export function useMissing(graphs: FullWorkflow[]): { workflow: FullWorkflow; names: string[] }[] {
  const { data: shared } = useQuery(variablesQuery());
  return useMemo(
    () =>
      shared
        ? graphs.flatMap((workflow) => {
            const names = missing(namesOf(workflow), [...workflow.envVars, ...shared]);
            return names.length > 0 ? [{ workflow, names }] : [];
          })
        : [],
    [graphs, shared],
  );
}
