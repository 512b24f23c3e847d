import { describe, expect, it } from "vitest";
import type { NodeType } from "@/api/queries";
import type { Graph } from "@/graph/model";
import { optionsInBraces, optionsInPython, ownNames } from "./completion";
import { readablesAt, valuesOf } from "./readables";

const at = { x: 0, y: 0 };
const graph: Graph = {
  kind: "workflow",
  metadata: { name: "x" },
  entryNodeId: "order",
  nodes: [
    { id: "order", type: "step", name: "Load order", position: at, data: {} },
    {
      id: "each",
      type: "loop",
      name: "Each",
      position: at,
      data: { collection: 'order["items"]' },
    },
    { id: "call", type: "http_request", name: "Call", position: at, data: {} },
    { id: "ask", type: "chat", name: "Ask", position: at, data: {} },
    { id: "last", type: "step", name: "Last", position: at, data: {} },
    { id: "later", type: "step", name: "Later", position: at, data: {} },
  ],
  edges: [
    { id: "e1", source: "order", target: "each" },
    { id: "e2", source: "each", target: "call", label: "body" },
    { id: "e3", source: "call", target: "ask" },
    { id: "e4", source: "ask", target: "last" },
    { id: "e5", source: "each", target: "later", label: "then" },
  ],
};
const types = new Map<string, NodeType>([
  [
    "chat",
    {
      type: "chat",
      hasValue: true,
      valueSchema: { properties: { text: { type: "string" } } },
    } as unknown as NodeType,
  ],
]);
const samples = new Map<string, unknown>([
  ["order", { id: 7, "ship to": 1, items: [{ sku: "tea" }] }],
]);
const readables = readablesAt(graph, "last", {
  types,
  samples,
  payload: { n: 1 },
  variables: [{ name: "TOKEN", value: null }],
});
const labels = (result: { options: readonly { label: string }[] } | null) =>
  result?.options.map((one) => one.label) ?? null;
const braces = (text: string) => labels(optionsInBraces(text, text.length, readables));
const python = (text: string) => labels(optionsInPython(text, text.length, readables, false, []));

describe("what a node may read", () => {
  it("is what is bound around it and what runs before it, the nearest first", () => {
    expect(readables.map((one) => one.name)).toEqual([
      "item",
      "i",
      "ask",
      "call",
      "each",
      "order",
      "event",
      "env",
    ]);
  });

  it("has the values of the last run", () => {
    const values = valuesOf(readables);
    expect(values.get("item")).toEqual({ sku: "tea" });
    expect(values.get("event")).toEqual({ payload: { n: 1 } });
    expect(values.has("ask")).toBe(false);
    expect(JSON.stringify(values.get("env"))).not.toContain("null");
  });
});

describe("inside braces", () => {
  it("names are offered once they are open, and never before", () => {
    expect(braces("a {{")).toContain("order");
    expect(braces("a {{ or")).toContain("order");
    expect(braces("a order")).toBeNull();
    expect(braces("{{order}} and")).toBeNull();
  });

  it("keys come from the last value and from the schema", () => {
    expect(braces("{{order.")).toEqual(["id", "ship to", "items"]);
    expect(braces("{{order.items[")).toEqual(["0"]);
    expect(braces("{{order.items[0].")).toEqual(["sku"]);
    expect(braces("{{ask.")).toEqual(["text"]);
    expect(braces("{{call.st")).toEqual(["status", "headers", "body", "json"]);
    expect(braces("{{event.payload.")).toEqual(["n"]);
    expect(braces("{{env.")).toEqual(["TOKEN"]);
    expect(braces("{{nobody.")).toBeNull();
  });
});

describe("in Python", () => {
  it("names are offered while one is typed", () => {
    expect(python("x = or")).toContain("order");
    expect(python("x = ")).toBeNull();
    expect(python('x = "or')).toBeNull();
    expect(python("# or")).toBeNull();
    expect(python("x.or")).toBeNull();
  });

  it("keys stand in brackets; those of the event and env are attributes, too", () => {
    expect(python('order["')).toEqual(["id", "ship to", "items"]);
    expect(python('order["items"][0]["s')).toEqual(["sku"]);
    expect(python("order.")).toBeNull();
    expect(python("event.")).toEqual(["payload", "timestamp", "instanceId", "workflowName"]);
    expect(python('event["payload"]["')).toEqual(["n"]);
    expect(python("env.")).toEqual(["TOKEN"]);
  });

  it("the code's own names are known", () => {
    const code =
      "import json\nfrom a import b as c\nx: int = 1\nfor y in z:\n    def w(): pass\nq == 2";
    expect(ownNames(code)).toEqual(expect.arrayContaining(["json", "c", "x", "y", "w"]));
    expect(ownNames(code)).not.toContain("q");
  });
});
