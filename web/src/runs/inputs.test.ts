import { describe, expect, it } from "vitest";
import type { Graph } from "@/graph/model";
import { inputsOf } from "./inputs";
import { step } from "./testing";

const at = { x: 0, y: 0 };
const graph: Graph = {
  kind: "workflow",
  metadata: { name: "Inputs" },
  entryNodeId: "load",
  nodes: [
    {
      id: "load",
      type: "step",
      name: "Load",
      position: at,
      data: { code: 'return event["payload"]' },
    },
    { id: "each", type: "loop", name: "Each", position: at, data: { collection: "load" } },
    { id: "price", type: "step", name: "Price", position: at, data: { code: "return item" } },
    { id: "book", type: "step", name: "Book", position: at, data: { code: "return price + load" } },
  ],
  edges: [
    { id: "1", source: "load", target: "each" },
    { id: "2", source: "each", target: "price", label: "body" },
    { id: "3", source: "price", target: "book" },
  ],
};
const steps = [
  step("Load", { nodeId: "load", output: 10 }),
  step("Price [0]", { nodeId: "price", output: 1 }),
  step("Price [1]", { nodeId: "price", output: 2 }),
  step("Book [0]", { nodeId: "book" }),
  step("Book [1]", { nodeId: "book" }),
];

describe("what a step read", () => {
  it("is what its node names, of its own iteration", () => {
    expect(inputsOf(steps[3] as never, steps, graph, null)).toEqual([
      { name: "load", value: 10, known: true },
      { name: "price", value: 1, known: true },
    ]);
    expect(inputsOf(steps[4] as never, steps, graph, null)[1]?.value).toBe(2);
  });

  it("is the payload, where that is named", () => {
    expect(inputsOf(steps[0] as never, steps, graph, { a: 1 })).toEqual([
      { name: 'event["payload"]', value: { a: 1 }, known: true },
    ]);
  });

  it("is not known without a drawing", () => {
    expect(inputsOf(steps[0] as never, steps, undefined, null)).toEqual([]);
  });
});
