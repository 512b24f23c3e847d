import { describe, expect, it } from "vitest";
import type { Graph } from "@/graph/model";
import { groupsAround, keysOf, type Line, linesOf } from "./rows";
import { step } from "./testing";

const NONE = new Map<string, boolean>();

const graph: Graph = {
  kind: "workflow",
  metadata: { name: "Rows" },
  entryNodeId: "each",
  nodes: [
    { id: "each", type: "loop", name: "Each order", position: { x: 0, y: 0 }, data: {} },
    { id: "read", type: "step", name: "Read", position: { x: 0, y: 0 }, data: {} },
    { id: "lines", type: "loop", name: "Each line", position: { x: 0, y: 0 }, data: {} },
    { id: "book", type: "step", name: "Book", position: { x: 0, y: 0 }, data: {} },
  ],
  edges: [
    { id: "1", source: "each", target: "read", label: "body" },
    { id: "2", source: "read", target: "lines" },
    { id: "3", source: "lines", target: "book", label: "body" },
  ],
};

function short(line: Line): string {
  const indent = "  ".repeat(line.depth);
  if (line.kind === "step") return `${indent}${line.base} ${line.more}`.trimEnd();
  return `${indent}${line.open ? "-" : "+"} ${line.title} ${line.count}`;
}

const body = (count: number) =>
  Array.from({ length: count }, (_, index) => [
    step(`Read [${index}]`, { nodeId: "read" }),
    step(`Book [${index}.0]`, { nodeId: "book", status: index === 3 ? "errored" : "complete" }),
  ]).flat();

describe("lines of a timeline", () => {
  it("put the iterations of a loop below it, and those of an inner loop below that", () => {
    expect(linesOf(body(2), graph, NONE).map(short)).toEqual([
      "- Each order 2",
      "  Read [0]",
      "  - Each line 1",
      "    Book [0.0]",
      "  Read [1]",
      "  - Each line 1",
      "    Book [1.0]",
    ]);
  });

  it("fold a loop with many steps, and tell what failed in it", () => {
    const lines = linesOf(body(500), graph, NONE);
    expect(lines.map(short)).toEqual(["+ Each order 500"]);
    expect(lines[0]).toMatchObject({ failed: 1, state: "errored" });
  });

  it("can be stepped through as if nothing were folded", () => {
    const keys = keysOf(body(500), graph);
    expect(keys).toHaveLength(1000);
    expect(new Set(keys).size).toBe(1000);
    const unfolded = linesOf(body(2), graph, NONE).filter((line) => line.kind === "step");
    expect(keysOf(body(2), graph)).toEqual(unfolded.map((line) => line.key));
  });

  it("fold the iterations of a long loop, each with its steps", () => {
    const opened = new Map([["/each", true]]);
    expect(linesOf(body(500), graph, opened).slice(0, 3).map(short)).toEqual([
      "- Each order 500",
      "  + [0] 2",
      "  + [1] 2",
    ]);
    for (const key of groupsAround(step("Book [7.0]", { nodeId: "book" }), graph)) {
      opened.set(key, true);
    }
    expect(linesOf(body(500), graph, opened).map(short)).toContain("      Book [7.0]");
  });

  it("need no drawing: what a person wrote is grouped by its name", () => {
    const steps = [step("Start"), ...[0, 1].map((index) => step(`Row [${index}]`))];
    expect(linesOf(steps, undefined, NONE).map(short)).toEqual([
      "Start",
      "- Row 2",
      "  Row [0]",
      "  Row [1]",
    ]);
  });

  it("tell which part of a node a step is", () => {
    const steps = [step("Pay · result"), step("Pay", { count: 2 }), step("Pay · rollback")];
    expect(linesOf(steps, undefined, NONE).map(short)).toEqual([
      "Pay result",
      "Pay #2",
      "Pay rollback",
    ]);
  });

  it("go on while something in a group does", () => {
    const steps = [step("Row [0]", { to: 50 }), step("Row [1]", { from: 50, status: "running" })];
    expect(linesOf(steps, undefined, NONE)[0]).toMatchObject({ state: "running", to: null });
  });

  it("are made of 25,000 steps at once", () => {
    expect(linesOf(body(12_500), graph, new Map([["/each", true]]))).toHaveLength(12_501);
  });
});
