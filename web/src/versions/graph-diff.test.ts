import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Graph, GraphNode } from "@/graph/model";
import { diffGraphs, inWords, isSame } from "./graph-diff";

const node = (id: string, data: Record<string, unknown> = {}, more: Partial<GraphNode> = {}) => ({
  id,
  type: "step",
  name: id,
  position: { x: 0, y: 0 },
  data,
  ...more,
});

const graph = (nodes: GraphNode[], more: Partial<Graph> = {}): Graph => ({
  kind: "workflow",
  metadata: { name: "Refunds" },
  nodes,
  edges: nodes.slice(1).map((to, at) => ({
    id: `e${at}`,
    source: (nodes[at] as GraphNode).id,
    target: to.id,
  })),
  entryNodeId: nodes[0]?.id ?? "",
  ...more,
});

describe("what differs between two graphs", () => {
  it("is nothing for the same graph, whatever its edges are called", () => {
    const one = graph([node("a"), node("b")]);
    const other = { ...one, edges: one.edges.map((edge) => ({ ...edge, id: "other" })) };
    expect(isSame(diffGraphs(one, other))).toBe(true);
  });

  it("names added, removed and changed nodes, and the field that changed", () => {
    const before = graph([node("a"), node("b", { code: "return 1", branches: [{ label: "x" }] })]);
    const after = graph([
      node("b", { code: "return 2", branches: [{ label: "y" }] }),
      node("c", {}, { type: "sleep" }),
    ]);
    const diff = diffGraphs(before, after);
    expect(diff.nodes).toEqual([
      expect.objectContaining({
        kind: "changed",
        fields: [
          { path: "code", before: "return 1", after: "return 2" },
          { path: "branches[0].label", before: "x", after: "y" },
        ],
      }),
      expect.objectContaining({ kind: "added", node: expect.objectContaining({ id: "c" }) }),
      expect.objectContaining({ kind: "removed", node: expect.objectContaining({ id: "a" }) }),
    ]);
    expect(inWords(diff)).toBe(
      "1 node added, 1 node changed, 1 node removed, 2 edges, settings of the graph",
    );
  });

  it("knows a node under its new id, and its edges with it", () => {
    const before = graph([node("a"), node("b", { code: "return 1" })]);
    const after = graph([node("a"), node("charge", { code: "return 1" }, { name: "b" })]);
    const diff = diffGraphs(before, after);
    expect(diff.edges).toEqual([]);
    expect(diff.nodes).toHaveLength(1);
    expect(diff.nodes[0]).toMatchObject({
      kind: "changed",
      fields: [{ path: "id", before: "b", after: "charge" }],
    });
  });

  it("counts moved nodes without calling them changed", () => {
    const before = graph([node("a")]);
    const after = graph([node("a", {}, { position: { x: 8, y: 8 } })]);
    const diff = diffGraphs(before, after);
    expect(isSame(diff)).toBe(true);
    expect(diff.moved).toBe(1);
    expect(inWords(diff)).toBe("only places on the canvas");
  });

  it("tells labels, trigger and first node", () => {
    const before = graph([node("a"), node("b")]);
    const after: Graph = {
      ...before,
      edges: [{ id: "e0", source: "a", target: "b", label: "then" }],
      trigger: { type: "schedule", cron: "0 9 * * *" },
      entryNodeId: "b",
    };
    const diff = diffGraphs(before, after);
    expect(diff.edges.map((edge) => [edge.kind, edge.label])).toEqual([
      ["added", "then"],
      ["removed", ""],
    ]);
    expect(diff.graph.map((field) => field.path)).toEqual([
      "trigger.type",
      "trigger.cron",
      "firstNode",
    ]);
  });

  it("says as much backwards as forwards", () => {
    const nodes = fc.uniqueArray(
      fc.record({ id: fc.constantFrom("a", "b", "c", "d"), code: fc.string({ maxLength: 3 }) }),
      { selector: (one) => one.id },
    );
    fc.assert(
      fc.property(nodes, nodes, (left, right) => {
        const one = graph(left.map(({ id, code }) => node(id, { code }, { type: id })));
        const other = graph(right.map(({ id, code }) => node(id, { code }, { type: id })));
        const there = diffGraphs(one, other);
        const back = diffGraphs(other, one);
        const count = (diff: typeof there, kind: string) =>
          diff.nodes.filter((change) => change.kind === kind).length;
        expect(count(there, "added")).toBe(count(back, "removed"));
        expect(count(there, "changed")).toBe(count(back, "changed"));
        expect(there.edges).toHaveLength(back.edges.length);
      }),
    );
  });
});
