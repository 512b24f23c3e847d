import { describe, expect, it } from "vitest";
import type { Graph } from "@/graph/model";
import { paintedOf } from "./painting";
import { attempt, step } from "./testing";

function drawing(nodes: Record<string, string>, edges: [string, string, string?][]): Graph {
  return {
    kind: "workflow",
    metadata: { name: "Painted" },
    entryNodeId: Object.keys(nodes)[0] as string,
    nodes: Object.entries(nodes).map(([id, type]) => ({
      id,
      type,
      name: id,
      position: { x: 0, y: 0 },
      data: {},
    })),
    edges: edges.map(([source, target, label], index) => ({
      id: `e${index}`,
      source,
      target,
      label,
    })),
  };
}

const states = (painted: ReturnType<typeof paintedOf>) =>
  Object.fromEntries([...painted].map(([id, one]) => [id, one.state]));

describe("painting of a run", () => {
  it("tells state, attempts and time of each node, loops added up", () => {
    const graph = drawing({ each: "loop", row: "step" }, [["each", "row", "body"]]);
    const steps = [
      step("row [0]", { nodeId: "row", from: 0, to: 100 }),
      step("row [1]", {
        nodeId: "row",
        from: 100,
        to: 400,
        attempts: [attempt(100, 200, { error: "no", delay: 0.1 }), attempt(300, 400)],
      }),
    ];
    const painted = paintedOf(graph, steps, { status: "complete" });
    expect(painted.get("row")).toEqual({ state: "complete", attempts: 2, ms: 400, times: 2 });
    expect(painted.get("each")?.state).toBe("complete");
  });

  it("leaves out what was not reached, and follows branches to what was", () => {
    const graph = drawing(
      { choose: "branch", yes: "step", no: "step", inline: "step", last: "step" },
      [
        ["choose", "yes", "yes"],
        ["choose", "no", "no"],
        ["yes", "inline"],
        ["inline", "last"],
      ],
    );
    const steps = [step("yes", { nodeId: "yes" }), step("last", { nodeId: "last" })];
    expect(states(paintedOf(graph, steps, { status: "complete" }))).toEqual({
      choose: "complete",
      yes: "complete",
      inline: "complete",
      last: "complete",
    });
  });

  it("claims nothing of arms without steps that meet", () => {
    const graph = drawing({ choose: "branch", a: "step", b: "step", after: "step" }, [
      ["choose", "a", "a"],
      ["choose", "b", "b"],
      ["a", "after"],
      ["b", "after"],
    ]);
    const painted = paintedOf(graph, [step("after", { nodeId: "after" })], { status: "complete" });
    expect(states(painted)).toEqual({ choose: "complete", after: "complete" });
  });

  it("paints a node without steps at the end once the run is complete", () => {
    const graph = drawing({ first: "step", reshape: "json_transform" }, [["first", "reshape"]]);
    const steps = [step("first", { nodeId: "first" })];
    expect(paintedOf(graph, steps, { status: "complete" }).has("reshape")).toBe(true);
    expect(paintedOf(graph, steps, { status: "running" }).has("reshape")).toBe(false);
  });

  it("paints a container as what is in it", () => {
    const graph = drawing({ all: "parallel", a: "step", b: "wait_for_event" }, [
      ["all", "a", "1"],
      ["all", "b", "2"],
    ]);
    const steps = [
      step("a", { nodeId: "a" }),
      step("b", { nodeId: "b", type: "wait", status: "waiting" }),
    ];
    const painted = paintedOf(graph, steps, { status: "waiting" });
    expect(painted.get("all")?.state).toBe("waiting");
    expect(painted.get("b")).toMatchObject({ state: "waiting", ms: null });
  });
});
