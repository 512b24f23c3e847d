import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addNode,
  connect,
  idsOf,
  move,
  type NodeKind,
  type Place,
  relabel,
  remove,
  setData,
  setId,
  setName,
} from "./edits";
import { emptyHistory, redo, remember, undo } from "./history";
import { emptyGraph, type Graph, nodeOf, scopesOf, upstreamOf } from "./model";
import { canBeId, idFrom } from "./names";

const step: NodeKind = { type: "step", title: "Step", data: { code: "return 1" } };
const loop: NodeKind = {
  type: "loop",
  title: "Loop",
  data: { loopType: "forEach", collection: "[1]" },
};
const branch: NodeKind = {
  type: "branch",
  title: "Branch",
  data: {
    branches: [
      { label: "yes", condition: "x" },
      { label: "no", condition: "" },
    ],
  },
};

function chain(...kinds: NodeKind[]): { graph: Graph; ids: string[] } {
  let graph = emptyGraph("Test");
  const ids: string[] = [];
  for (const kind of kinds) {
    const last = ids.at(-1);
    const made = addNode(graph, kind, last ? { after: last } : { at: { x: 0, y: 0 } });
    graph = made.graph;
    ids.push(made.id);
  }
  return { graph, ids };
}

const ways = (graph: Graph) =>
  graph.edges.map((edge) => `${edge.source}-${edge.label ?? ""}>${edge.target}`).sort();

/** Where each of the nodes stands, beside its container and below it. */
function placesOf(graph: Graph, container: string, ids: string[]) {
  const from = nodeOf(graph, container)?.position ?? { x: 0, y: 0 };
  return ids.map((id) => {
    const at = nodeOf(graph, id)?.position ?? { x: 0, y: 0 };
    return [at.x - from.x, at.y - from.y];
  });
}

function overlaps(graph: Graph): string[] {
  return graph.nodes.flatMap((one, index) =>
    graph.nodes
      .slice(index + 1)
      .filter(
        (other) =>
          Math.abs(one.position.x - other.position.x) < 224 &&
          Math.abs(one.position.y - other.position.y) < 56,
      )
      .map((other) => `${one.id} ${other.id}`),
  );
}

describe("a node of an arm stands under that arm", () => {
  const parallel: NodeKind = { type: "parallel", title: "Parallel", data: {} };

  test("each arm of a parallel has a column of its own, right of those before", () => {
    let { graph } = chain(parallel);
    const ids: string[] = [];
    for (let arm = 0; arm < 4; arm++) {
      const made = addNode(graph, step, { after: "parallel" });
      graph = addNode(made.graph, step, { after: made.id }).graph;
      ids.push(made.id);
    }
    const places = placesOf(graph, "parallel", ids);
    expect(places.map(([, y]) => y)).toEqual([112, 112, 112, 112]);
    expect(places.map(([x]) => x)).toEqual([0, 272, 544, 816]);
    expect(overlaps(graph)).toEqual([]);
  });

  test("in whichever order the arms of a branch are filled", () => {
    for (const order of [
      ["yes", "no"],
      ["no", "yes"],
    ]) {
      let { graph } = chain(branch);
      const at: Record<string, number> = {};
      for (const label of order) {
        const made = addNode(graph, step, { after: "branch", label });
        graph = made.graph;
        at[label] = placesOf(graph, "branch", [made.id])[0]?.[0] ?? 0;
      }
      expect(at).toEqual({ yes: -136, no: 136 });
    }
  });

  test("beside what stands in its row, not below another arm", () => {
    let { graph } = chain(branch);
    const inner = addNode(graph, branch, { after: "branch", label: "yes" });
    const other = addNode(inner.graph, step, { after: "branch", label: "no" });
    graph = addNode(other.graph, step, { after: other.id }).graph;
    const made = addNode(graph, step, { after: inner.id, label: "no" });
    expect(made.graph.edges.at(-1)).toMatchObject({ source: inner.id, label: "no" });
    expect(placesOf(made.graph, inner.id, [made.id])[0]?.[1]).toBe(112);
    expect(overlaps(made.graph)).toEqual([]);
  });

  test("also where its arm led to what follows both", () => {
    let { graph } = chain(branch);
    graph = addNode(graph, step, { after: "branch", label: "yes" }).graph;
    graph = addNode(graph, step, { after: "step_1" }).graph;
    graph = connect(graph, "branch", "step_2", "no");
    const edge = graph.edges.find((one) => one.label === "no")?.id as string;
    const made = addNode(graph, step, { edge });
    expect(placesOf(made.graph, "branch", [made.id])).toEqual([[136, 112]]);
    expect(overlaps(made.graph)).toEqual([]);
  });
});

describe("nodes are added where they belong", () => {
  test("the first one starts the workflow, the next follow", () => {
    const { graph, ids } = chain(step, step, step);
    expect(graph.entryNodeId).toBe(ids[0]);
    expect(ways(graph)).toEqual(["step_1->step_2", "step_2->step_3"]);
  });

  test("into an edge: it leads on from there, and what was below makes room", () => {
    const { graph } = chain(step, step);
    const { graph: next, id } = addNode(graph, step, { edge: graph.edges[0]?.id as string });
    expect(ways(next)).toEqual([`step_1->${id}`, `${id}->step_2`]);
    expect(nodeOf(next, "step_2")?.position.y).toBeGreaterThan(
      nodeOf(next, id)?.position.y as number,
    );
  });

  test("a container in an edge goes on by `then`", () => {
    const { graph } = chain(step, step);
    const { graph: next, id } = addNode(graph, loop, { edge: graph.edges[0]?.id as string });
    expect(ways(next)).toContain(`${id}-then>step_2`);
  });

  test("after a container they take the first free arm", () => {
    const { graph, ids } = chain(loop);
    const body = addNode(graph, step, { after: ids[0] as string });
    const then = addNode(body.graph, step, { after: ids[0] as string });
    expect(ways(then.graph)).toEqual([`${ids[0]}-body>${body.id}`, `${ids[0]}-then>${then.id}`]);
  });
});

describe("ways", () => {
  test("a node that is no container has one way out: connecting again leads it elsewhere", () => {
    const { graph } = chain(step, step, step);
    const next = connect(graph, "step_1", "step_3");
    expect(ways(next)).toEqual(["step_1->step_3", "step_2->step_3"]);
  });

  test("nothing leads to itself or to what is not there", () => {
    const { graph } = chain(step);
    expect(connect(graph, "step_1", "step_1")).toBe(graph);
    expect(connect(graph, "step_1", "nowhere")).toBe(graph);
  });

  test("an arm renamed in the form keeps its edge", () => {
    const made = chain(branch);
    const { graph } = addNode(made.graph, step, { after: "branch", label: "yes" });
    const renamed = setData(graph, "branch", {
      branches: [
        { label: "big", condition: "x" },
        { label: "no", condition: "" },
      ],
    });
    expect(ways(renamed)).toEqual(["branch-big>step_1"]);
    const fewer = setData(renamed, "branch", { branches: [{ label: "no", condition: "" }] });
    expect(ways(fewer)).toEqual([]);
  });
});

describe("removal", () => {
  test("the way leads on past what was removed", () => {
    const { graph } = chain(step, step, step);
    expect(ways(remove(graph, new Set(["step_2"])))).toEqual(["step_1->step_3"]);
  });

  test("the start moves on to what followed", () => {
    const { graph } = chain(step, step);
    const next = remove(graph, new Set(["step_1"]));
    expect(next.entryNodeId).toBe("step_2");
    expect(remove(next, new Set(["step_2"])).entryNodeId).toBe("");
  });

  test("an edge alone can go", () => {
    const { graph } = chain(step, step);
    expect(remove(graph, new Set([graph.edges[0]?.id as string])).edges).toEqual([]);
  });
});

describe("ids", () => {
  test("a new id is used wherever the node is meant, and nowhere else", () => {
    const { graph } = chain(step, step);
    const coded = setData(graph, "step_2", {
      code: 'return step_1["step_1x"] + other.step_1',
      url: "https://x/{{step_1.id}}/step_1",
      plain: "step_1 stays",
    });
    const next = setId(coded, "step_1", "claim");
    expect(nodeOf(next, "step_2")?.data).toEqual({
      code: 'return claim["step_1x"] + other.step_1',
      url: "https://x/{{claim.id}}/claim",
      plain: "step_1 stays",
    });
    expect(next.entryNodeId).toBe("claim");
    expect(ways(next)).toEqual(["claim->step_2"]);
  });

  test("bad or taken ids change nothing", () => {
    const { graph } = chain(step, step);
    for (const id of ["step_2", "class", "_x", "1a", "", "event", "a b"]) {
      expect(setId(graph, "step_1", id)).toBe(graph);
    }
  });

  test("any name makes an id that can be one", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.array(fc.string()), (name, taken) => {
        const known = new Set(taken);
        const id = idFrom(name, known);
        expect(canBeId(id)).toBe(true);
        expect(known.has(id)).toBe(false);
      }),
    );
  });
});

test("what may be read at a node is what can run before it", () => {
  const { graph, ids } = chain(step, loop);
  const body = addNode(graph, step, { after: ids[1] as string, label: "body" });
  const then = addNode(body.graph, step, { after: ids[1] as string, label: "then" });
  expect(upstreamOf(then.graph, then.id).map((node) => node.id)).toEqual([
    "step_1",
    ids[1],
    body.id,
  ]);
  expect(scopesOf(then.graph)).toEqual([{ container: ids[1], label: "body", nodes: [body.id] }]);
});

/** Any edit a person can make, on whatever is there. */
type Edit = { kind: number; a: number; b: number; text: string };

function apply(graph: Graph, { kind, a, b, text }: Edit): Graph {
  const pick = <T>(list: readonly T[], index: number) => list[index % Math.max(1, list.length)];
  const node = pick(graph.nodes, a)?.id ?? "none";
  const other = pick(graph.nodes, b)?.id ?? "none";
  const edge = pick(graph.edges, a)?.id ?? "none";
  const kinds = [step, loop, branch];
  const places: Place[] = [{ at: { x: a * 8, y: b * 8 } }, { after: node }, { edge }];
  switch (kind) {
    case 0:
      return addNode(graph, pick(kinds, a) as NodeKind, pick(places, b) as Place).graph;
    case 1:
      return connect(graph, node, other, text || undefined);
    case 2:
      return remove(graph, new Set([node, edge]));
    case 3:
      return move(graph, new Map([[node, { x: a, y: b }]]));
    case 4:
      return setName(graph, node, text);
    case 5:
      return setId(graph, node, text);
    case 6:
      return setData(graph, node, { code: text });
    default:
      return relabel(graph, edge, text);
  }
}

const edits = fc.array(
  fc.record({
    kind: fc.nat({ max: 7 }),
    a: fc.nat({ max: 30 }),
    b: fc.nat({ max: 30 }),
    text: fc.constantFrom("", "body", "then", "yes", "arm 1", "fetch_it", "class", "x"),
  }),
  { maxLength: 40 },
);

describe("after any edits", () => {
  test("ids are unique, edges have both ends, the start is there", () => {
    fc.assert(
      fc.property(edits, (list) => {
        const graph = list.reduce(apply, emptyGraph("Test"));
        const ids = idsOf(graph);
        expect(ids.size).toBe(graph.nodes.length);
        expect(new Set(graph.edges.map((edge) => edge.id)).size).toBe(graph.edges.length);
        for (const edge of graph.edges) {
          expect(ids.has(edge.source) && ids.has(edge.target)).toBe(true);
        }
        expect(
          graph.nodes.length === 0 ? graph.entryNodeId === "" : ids.has(graph.entryNodeId),
        ).toBe(true);
      }),
    );
  });

  test("undo brings back each graph, redo each again", () => {
    fc.assert(
      fc.property(edits, (list) => {
        const states = [emptyGraph("Test")];
        let history = emptyHistory<Graph>();
        for (const edit of list) {
          const before = states.at(-1) as Graph;
          history = remember(history, before, "edit", false);
          states.push(apply(before, edit));
        }
        let now = states.at(-1) as Graph;
        for (const state of states.slice(0, -1).reverse()) {
          const done = undo(history, now);
          expect(done?.value).toBe(state);
          history = done?.history as typeof history;
          now = state;
        }
        expect(undo(history, now)).toBeNull();
        for (const state of states.slice(1)) {
          const done = redo(history, now);
          expect(done?.value).toBe(state);
          history = done?.history as typeof history;
          now = state;
        }
      }),
    );
  });
});
