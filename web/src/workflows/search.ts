import type { Workflow } from "@/api/queries";

/** Whether all words of the query are in what people know a workflow by. */
export function matches(
  workflow: Pick<Workflow, "name" | "description" | "workerName" | "id">,
  query: string,
): boolean {
  const text = [workflow.name, workflow.description, workflow.workerName ?? "", workflow.id]
    .join("\n")
    .toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
