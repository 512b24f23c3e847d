/** What code of a node may read besides the values of other nodes. */

import type { Readable } from "@/forms/readables";
import type { FormField } from "@/forms/schema";
import type { Graph, GraphNode } from "@/graph/model";

const object = (properties: Record<string, unknown>) => ({ type: "object", properties });
const text = { type: "string" };
const number = { type: "integer" };

function named(
  name: string,
  title: string,
  more: Partial<Pick<Readable, "schema" | "attributes">> = {},
): Readable {
  return { name, title, known: false, value: undefined, schema: null, ...more };
}

const CTX = named("ctx", "This attempt", {
  schema: object({
    step: object({ name: text, count: number }),
    attempt: number,
    epoch: number,
    config: object({ retries: { type: "object" }, timeout: number }),
  }),
});

const STEP = named("step", "Durable operations", {
  attributes: ["do", "sleep", "sleep_until", "wait_for_event"],
});

const OUTPUT = named("output", "What the step returned");
const ERROR = named("error", "Why it is undone", {
  schema: object({ name: text, message: text }),
});

export function codeNames(graph: Pick<Graph, "kind">, node: GraphNode) {
  return (field: FormField): Readable[] => {
    const durable = graph.kind === "workflow";
    const { shape } = field;
    if (shape.kind === "text" && shape.role === "rollback") return [OUTPUT, ERROR, CTX, STEP];
    if (!durable) return [];
    return node.data.inline === true ? [STEP] : [CTX, STEP];
  };
}
