/** Which problems belong to which field. A path is as `data.branches[0].condition`. */

import type { Detail } from "@/api/client";

/** Whether a path is that of the field, or lies inside it. */
export function within(path: string, field: string): boolean {
  if (!path.startsWith(field)) return false;
  const next = path[field.length];
  return next === undefined || next === "." || next === "[";
}

/** The problems at a field itself, or inside it where nothing of it is shown by itself. */
export function problemsAt(problems: readonly Detail[], path: string, whole: boolean): Detail[] {
  return problems.filter((one) => (whole ? within(one.path, path) : one.path === path));
}

/** What is told of a node as a whole: no field that is shown has it. */
export function problemsElsewhere(problems: readonly Detail[], names: readonly string[]): Detail[] {
  return problems.filter((one) => !names.some((name) => within(one.path, `data.${name}`)));
}

export function isError(problem: Detail): boolean {
  return problem.severity !== "warning";
}
