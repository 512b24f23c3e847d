import { describe, expect, it } from "vitest";
import { asJson, emptyGraph } from "@/graph/model";
import { entryIn, linesOf, nodeAt } from "./compiled";
import { SNIPPETS, withSnippet } from "./entry-snippets";
import { readGraph } from "./read-graph";

const at = { x: 0, y: 0 };
const good = {
  ...emptyGraph("Orders"),
  nodes: [
    { id: "a", type: "step", name: "A", position: at, data: { code: "return 1" } },
    { id: "b", type: "sleep", name: "B", position: at, data: {} },
  ],
  edges: [{ id: "e1", source: "a", target: "b" }],
  entryNodeId: "a",
};
const read = (value: unknown) =>
  readGraph(typeof value === "string" ? value : JSON.stringify(value), "workflow");
const told = (value: unknown) =>
  read(value)
    .faults?.map((fault) => fault.message)
    .join(" ") ?? "";

describe("a graph from a text", () => {
  it("is what was written", () => {
    expect(read(asJson(good))).toEqual({ graph: good, faults: null });
  });

  it("is refused with the place where the JSON is bad", () => {
    expect(read('{\n  "nodes": oops\n}').faults).toMatchObject([{ line: 2, column: 12 }]);
  });

  it.each([
    ["a list", []],
    ["null", null],
    ["no nodes", { ...good, nodes: undefined }],
    ["nodes that are none", { ...good, nodes: [1, null, "x", []] }],
    ["ids that are none", { ...good, nodes: [{ ...good.nodes[0], id: { toString: "x" } }] }],
    ["an id twice", { ...good, nodes: [good.nodes[0], good.nodes[0]] }],
    [
      "places beyond everything",
      { ...good, nodes: [{ ...good.nodes[0], position: { x: 1e300, y: 0 } }] },
    ],
    ["another kind", { ...good, kind: "script" }],
    ["a strange field", { ...good, onload: "alert(1)" }],
    ["data that is a text", { ...good, nodes: [{ ...good.nodes[0], data: "x" }] }],
    ["a strange trigger", { ...good, trigger: { type: "javascript:alert(1)" } }],
  ])("is refused for %s", (_, value) => {
    expect(told(value)).not.toBe("");
    expect(read(value).graph).toBeNull();
  });

  it("is refused when it is nested without end", () => {
    const deep = `{"nodes": ${"[".repeat(100_000)}`;
    expect(told(deep)).toContain("nested");
  });

  it("changes no prototype", () => {
    const text = JSON.stringify(good).replace(
      '"data":{',
      '"data":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},',
    );
    expect(read(text).faults).toBeNull();
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it("keeps markup as text", () => {
    const name = "<img src=x onerror=alert(1)>";
    const { graph } = read({ ...good, nodes: [{ ...good.nodes[0], name }] });
    expect(graph?.nodes[0]?.name).toBe(name);
  });
});

describe("a compiled module", () => {
  const module = `class Default(WorkerEntrypoint):
    async def fetch(self, request):
        env = self.env

        if request.method == "POST":
            return Response.json(1)

        return Response(None)
`;

  it("holds the entry code, as it would be written", () => {
    expect(entryIn(module)).toBe(`if request.method == "POST":
    return Response.json(1)

return Response(None)
`);
  });

  it("leads from a line to the innermost node", () => {
    const lines = linesOf({ loop: [3, 20], body: [5, 9], odd: "x", half: [1] });
    expect(nodeAt(lines, 6)).toBe("body");
    expect(nodeAt(lines, 12)).toBe("loop");
    expect(nodeAt(lines, 40)).toBeNull();
    expect(Object.keys(lines)).toEqual(["loop", "body"]);
  });
});

it("a check goes before the code, once", () => {
  for (const snippet of SNIPPETS) {
    const once = withSnippet("return 1\n", snippet) as string;
    expect(once.endsWith("return 1\n")).toBe(true);
    expect(withSnippet(once, snippet)).toBeNull();
  }
});
