import { describe, expect, it } from "vitest";
import type { ListedWorkflow, Run } from "@/api/queries";
import { attention } from "./attention";

const now = new Date("2026-11-27T12:00:00Z");
const ago = (hours: number) => new Date(now.getTime() - hours * 3600_000).toISOString();
const run = (workflowId: string, hours: number, more: Partial<Run> = {}) =>
  ({ workflowId, createdAt: ago(hours), endedAt: null, nextAttemptAt: null, ...more }) as Run;
const workflow = (id: string, more: Partial<ListedWorkflow> = {}) =>
  ({
    id,
    name: id,
    crashed: null,
    handlerFailure: null,
    liveVersion: 1,
    newestVersion: 1,
    ...more,
  }) as ListedWorkflow;
const failure = { name: "KeyError", message: "'a'", code: null, line: 3, traceback: null };
const nothing = { workflows: [], errored: [], waiting: [], missing: [], now };

describe("what needs attention", () => {
  it("is nothing where all is well", () => {
    expect(attention({ ...nothing, workflows: [workflow("a")] })).toEqual([]);
  });

  it("counts failed runs of a day by workflow", () => {
    const errored = [
      run("a", 30, { endedAt: ago(1) }),
      run("b", 2),
      run("a", 3),
      run("a", 40, { endedAt: ago(25) }),
    ];
    const found = attention({ ...nothing, errored });
    expect(found.map((one) => one.kind === "errored" && [one.workflow, one.runs.length])).toEqual([
      ["a", 2],
      ["b", 1],
    ]);
  });

  it("names the newest of a kind first, by when it failed and not by when it began", () => {
    const errored = [
      run("a", 1, { endedAt: ago(0.9), instanceId: "older" }),
      run("b", 2, { endedAt: ago(0.5) }),
      run("a", 3, { endedAt: ago(0.8), instanceId: "newer" }),
    ];
    const waiting = [run("d", 5), run("c", 2)];
    const found = attention({ ...nothing, errored, waiting });
    expect(found).toMatchObject([
      { kind: "errored", workflow: "b" },
      { kind: "errored", workflow: "a", runs: [{ instanceId: "newer" }, { instanceId: "older" }] },
      { kind: "waiting", workflow: "c" },
      { kind: "waiting", workflow: "d" },
    ]);
  });

  it("names requests that failed within a day, the newest first", () => {
    const failed = (id: string, hours: number) =>
      workflow(id, { handlerFailure: { ...failure, at: ago(hours) } });
    const down = { ...failed("d", 1), crashed: "It crashed 3 times." };
    const workflows = [failed("a", 3), failed("b", 2), failed("c", 25), down];
    const found = attention({ ...nothing, workflows, errored: [run("d", 1)] });
    expect(found).toMatchObject([
      { kind: "crashed", workflow: { id: "d" } },
      { kind: "request", workflow: { id: "b" } },
      { kind: "request", workflow: { id: "a" } },
      { kind: "errored", workflow: "d" },
    ]);
  });

  it("leaves alone what waits for a moment, or for its next attempt", () => {
    const waiting = [run("a", 0.1), run("b", 5, { nextAttemptAt: ago(-1) }), run("c", 2)];
    const found = attention({ ...nothing, waiting });
    expect(found).toMatchObject([{ kind: "waiting", workflow: "c" }]);
  });

  it("names the gravest first", () => {
    const found = attention({
      workflows: [
        workflow("old", { newestVersion: 2 }),
        workflow("down", { crashed: "It crashed 3 times." }),
        workflow("new", { liveVersion: null }),
      ],
      errored: [run("old", 1)],
      waiting: [],
      missing: [{ workflow: { id: "old", name: "old" }, names: ["TOKEN"] }],
      now,
    });
    expect(found.map((one) => one.kind)).toEqual(["crashed", "errored", "missing", "undeployed"]);
  });
});
