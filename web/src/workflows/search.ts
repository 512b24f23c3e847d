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

/** Those that a text names, the name that begins with it first; none before something was typed. */
export function foundIn<T extends Pick<Workflow, "name" | "workerName" | "id">>(
  workflows: readonly T[],
  text: string,
): T[] {
  const query = text.trim().toLowerCase();
  if (query === "") return [];
  const begins = ({ name }: T) => (name.toLowerCase().startsWith(query) ? 0 : 1);
  return workflows
    .filter((workflow) => matches({ ...workflow, description: "" }, query))
    .sort((a, b) => begins(a) - begins(b));
}
