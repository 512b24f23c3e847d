/** What a step read: the values of the nodes that its own node names. Pure. */

import type { Step } from "@/api/queries";
import { type Graph, nodeOf, upstreamOf } from "@/graph/model";
import { parseName } from "./history";

export type Input = { name: string; value: unknown; known: boolean };

/** All text of a node's data, code and expressions alike. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return "";
  return Object.values(value).map(textOf).join("\n");
}

function names(text: string, word: string): boolean {
  return new RegExp(`(?<![\\w.])${word}(?!\\w)`).test(text);
}

/**
 * The values by name. In a loop they are those of the same iteration, where the node is in the loop
 * as well. One whose node has no step has no value that is known.
 */
export function inputsOf(
  step: Step,
  steps: readonly Step[],
  graph: Graph | undefined,
  params: unknown,
): Input[] {
  const node = graph && step.nodeId ? nodeOf(graph, step.nodeId) : undefined;
  if (!graph || !node) return [];
  const text = textOf(node.data);
  const found: Input[] = [];
  if (names(text, "event")) found.push({ name: 'event["payload"]', value: params, known: true });
  const { indices } = parseName(step.name);
  for (const source of upstreamOf(graph, node.id)) {
    if (!names(text, source.id)) continue;
    const own = outputOf(source.id, indices, steps);
    found.push({ name: source.id, value: own?.output ?? null, known: own !== undefined });
  }
  return found;
}

/** The last step of a node that is of this iteration, or of an outer one. */
function outputOf(
  node: string,
  indices: readonly number[],
  steps: readonly Step[],
): Step | undefined {
  return steps.findLast((step) => {
    if (step.nodeId !== node || step.status !== "complete") return false;
    const { indices: its, part } = parseName(step.name);
    return part !== "rollback" && its.every((index, depth) => indices[depth] === index);
  });
}
