import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { asText, copy, PasteRefused, paste, read } from "./clipboard";
import { addNode } from "./edits";
import { emptyGraph, type Graph } from "./model";

function two(): Graph {
  const kind = { type: "step", title: "Fetch", data: { code: "return {{fetch_1.id}}" } };
  const first = addNode(emptyGraph("Test"), kind, { at: { x: 0, y: 0 } });
  return addNode(first.graph, kind, { after: first.id }).graph;
}

describe("what was copied can be pasted", () => {
  test("under new ids, with its edges and its references", () => {
    const graph = two();
    const ids = new Set(graph.nodes.map((node) => node.id));
    const { graph: next, ids: made } = paste(graph, read(asText(copy(graph, ids))), {
      x: 500,
      y: 0,
    });
    expect(next.nodes).toHaveLength(4);
    expect(next.edges.at(-1)).toMatchObject({ source: made[0], target: made[1] });
    expect(next.nodes.at(-1)?.data.code).toBe(`return {{${made[0]}.id}}`);
    expect(next.entryNodeId).toBe(graph.entryNodeId);
  });

  test("a whole graph and an export paste as well", () => {
    const graph = two();
    expect(read(JSON.stringify(graph)).nodes).toHaveLength(2);
    expect(read(JSON.stringify({ name: "x", ir: graph })).nodes).toHaveLength(2);
  });
});

describe("hostile texts", () => {
  test.each([
    "",
    "hello",
    "[]",
    "{}",
    '{"nodes": []}',
    '{"nodes": [null, 1, {"id": 3}]}',
    '{"nodes": "many"}',
    JSON.stringify({ nodes: Array.from({ length: 5001 }, () => ({ id: "a", type: "step" })) }),
  ])("%.30s is refused in words", (text) => {
    expect(() => read(text)).toThrow(PasteRefused);
  });

  test("prototypes, absurd places and foreign edges do no harm", () => {
    const text = `{"nodes": [
      {"id": "__proto__", "type": "step", "position": {"x": 1e999, "y": "far"}, "data": {"__proto__": {"polluted": true}}},
      {"id": "a", "type": "<img src=x onerror=alert(1)>", "name": "<script>"},
      {"id": "a", "type": "step"}
    ], "edges": [{"source": "a", "target": "nowhere"}, {"source": "a", "target": "__proto__", "label": 7}]}`;
    const { graph } = paste(two(), read(text), { x: 0, y: 0 });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(new Set(graph.nodes.map((node) => node.id)).size).toBe(graph.nodes.length);
    for (const node of graph.nodes) {
      expect(Number.isFinite(node.position.x) && Number.isFinite(node.position.y)).toBe(true);
    }
    const ids = new Set(graph.nodes.map((node) => node.id));
    for (const edge of graph.edges) {
      expect(ids.has(edge.source) && ids.has(edge.target)).toBe(true);
    }
  });

  test("any JSON at all is pasted whole or refused", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (nodes, edges) => {
        try {
          const { graph } = paste(two(), read(JSON.stringify({ nodes, edges })), { x: 0, y: 0 });
          expect(new Set(graph.edges.map((edge) => edge.id)).size).toBe(graph.edges.length);
        } catch (error) {
          expect(error).toBeInstanceOf(PasteRefused);
        }
      }),
    );
  });
});
