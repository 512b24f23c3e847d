/** The project's variables, and which names code asks for. */

import { queryOptions } from "@tanstack/react-query";
import { allPages, api, must } from "@/api/client";
import type { Variable } from "@/api/queries";

export const variablesQuery = () =>
  queryOptions({
    queryKey: ["env-vars"],
    queryFn: () =>
      allPages<Variable>((cursor) =>
        must(api.GET("/api/env-vars", { params: { query: { limit: 100, cursor } } })),
      ),
  });

const NAME = /\benv(?:\.([A-Za-z_]\w*)|\[\s*["']([A-Za-z_]\w*)["']\s*\])/g;

/**
 * The names that texts take from `env`: `env.TOKEN`, `env["TOKEN"]`. Bindings of ours are among
 * them only where code asks for them; see `missing`.
 */
export function namesIn(value: unknown, found: Set<string> = new Set()): Set<string> {
  if (typeof value === "string") {
    for (const [, plain, quoted] of value.matchAll(NAME)) found.add((plain ?? quoted) as string);
  } else if (Array.isArray(value)) {
    for (const inner of value) namesIn(inner, found);
  } else if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) namesIn(inner, found);
  }
  return found;
}

/** What a worker's `env` holds that is no variable. */
const BINDINGS = new Set(["WORKFLOW"]);

/** Names that are asked for and that nobody set. */
export function missing(used: ReadonlySet<string>, there: Iterable<{ name: string }>): string[] {
  const names = new Set([...there].map((variable) => variable.name));
  return [...used].filter((name) => !names.has(name) && !BINDINGS.has(name)).sort();
}

/** Whether a text can be the name of a variable. */
export function canBeName(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(text);
}
