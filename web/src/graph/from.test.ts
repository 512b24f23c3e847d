import { describe, expect, it } from "vitest";
import { graphFrom } from "./from";

const step = (id: string) => ({ id, type: "step", data: { code: "return 1" } });
const edge = (source: string, target: string) => ({ id: `${source} ${target}`, source, target });

describe("a graph that leaves open what it may", () => {
  it("gets names, and places in rows from the start", () => {
    const graph = graphFrom(
      {
        metadata: { name: "Ours" },
        entryNodeId: "a",
        nodes: [step("b"), step("a"), step("c"), step("d"), step("lone")],
        edges: [edge("a", "b"), edge("a", "c"), edge("b", "d"), edge("c", "d")],
      },
      "Named by nobody",
    );
    expect(graph.metadata.name).toBe("Ours");
    expect(Object.fromEntries(graph.nodes.map((node) => [node.id, node.position]))).toEqual({
      a: { x: 0, y: 0 },
      b: { x: 0, y: 112 },
      c: { x: 272, y: 112 },
      d: { x: 0, y: 224 },
      lone: { x: 0, y: 336 },
    });
    expect(graph.nodes.map((node) => node.name)).toEqual(["b", "a", "c", "d", "lone"]);
  });

  it("keeps the places there are, and puts the others beside them", () => {
    const placed = { ...step("a"), name: "A", position: { x: 40, y: 500 } };
    const graph = graphFrom({ entryNodeId: "a", nodes: [placed, step("b")], edges: [] }, "One");
    expect(graph.nodes[0]).toBe(placed);
    expect(graph.nodes[1]?.position).toEqual({ x: 312, y: 112 });
  });

  it("ends where edges go round", () => {
    const graph = graphFrom(
      {
        entryNodeId: "a",
        nodes: [step("a"), step("b")],
        edges: [edge("a", "b"), edge("b", "a"), edge("b", "gone")],
      },
      "Round",
    );
    expect(graph.nodes.map(({ position }) => position.y)).toEqual([0, 112]);
    expect(graph.edges).toHaveLength(3);
  });

  it("lets nothing through that could not be drawn", () => {
    const graph = graphFrom(
      {
        nodes: [
          null,
          1,
          { id: 3, type: "step" },
          { id: "a", type: "step", position: { x: "1", y: 2 } },
        ],
        edges: [{ source: "a" }, "e", { source: "a", target: "a", label: 3 }],
        notes: [{ id: "n" }, { text: "no id" }],
      },
      "Anything",
    );
    expect(graph.nodes).toEqual([
      { id: "a", type: "step", name: "a", position: { x: 0, y: 0 }, data: {} },
    ]);
    expect(graph.edges).toEqual([{ id: "edge 2", source: "a", target: "a" }]);
    expect(graph.notes).toEqual([{ id: "n", position: { x: 0, y: 0 }, text: "" }]);
    expect(graphFrom({ nodes: {}, edges: 3 }, "Nothing").nodes).toEqual([]);
  });
});
