import { describe, expect, it } from "vitest";
import type { Run } from "@/api/queries";
import { EMPTY, type Feed, gone, keyOf, paged, reread, settle, told } from "./feed";

function run(number: number, more: Partial<Run> = {}): Run {
  return {
    id: `r${number}`,
    instanceId: `r${number}`,
    workflowId: "wf",
    workflowName: "Desk",
    versionId: "v",
    deploymentId: "d",
    trigger: "api",
    priority: 0,
    status: "complete",
    epoch: 1,
    params: null,
    output: null,
    error: null,
    pauseRequested: false,
    parent: null,
    rollingBack: false,
    nextAttemptAt: null,
    createdAt: `2026-11-27T10:00:${String(number).padStart(2, "0")}Z`,
    startedAt: null,
    endedAt: null,
    stale: false,
    readAt: null,
    ...more,
  };
}

const ids = (runs: readonly Run[]) => runs.map((one) => one.instanceId);
const listed: Feed = paged(EMPTY, [run(9), run(8), run(7)], "more");

describe("a list of runs that follows", () => {
  it("shows new runs at the top while nobody reads further down", () => {
    expect(ids(told(listed, [run(10), run(11)], true).rows)).toEqual([
      "r11",
      "r10",
      "r9",
      "r8",
      "r7",
    ]);
  });

  it("holds new runs back while somebody does, and shows them when asked", () => {
    const held = told(told(listed, [run(10)], false), [run(11), run(10)], false);
    expect(ids(held.rows)).toEqual(["r9", "r8", "r7"]);
    expect(ids(held.held)).toEqual(["r11", "r10"]);
    expect(ids(settle(held).rows)).toEqual(["r11", "r10", "r9", "r8", "r7"]);
    expect(settle(held).held).toEqual([]);
  });

  it("changes a run where it stands, held or shown", () => {
    const failed = run(8, { status: "errored" });
    const next = told(told(listed, [run(10)], false), [failed, run(10, { epoch: 2 })], false);
    expect(next.rows[1]).toBe(failed);
    expect(next.held[0]?.epoch).toBe(2);
    expect(next.rows[0]).toBe(listed.rows[0]);
  });

  it("leaves a run to its page when that was not read yet", () => {
    expect(ids(told(listed, [run(3)], true).rows)).toEqual(["r9", "r8", "r7"]);
    expect(ids(told({ ...listed, cursor: null }, [run(3)], true).rows)).toContain("r3");
  });

  it("keeps what is gone in its place until the list settles", () => {
    const next = gone(listed, [keyOf(run(8)), keyOf(run(1))], false);
    expect(ids(next.rows)).toEqual(["r9", "r8", "r7"]);
    expect([...next.left]).toEqual(["wf r8"]);
    expect(ids(settle(next).rows)).toEqual(["r9", "r7"]);
    expect(ids(gone(listed, [keyOf(run(8))], true).rows)).toEqual(["r9", "r7"]);
  });

  it("takes back what is found again", () => {
    expect(told(gone(listed, ["wf r8"], false), [run(8)], false).left.size).toBe(0);
  });

  it("shows no run twice when a page holds one that was told before", () => {
    const next = paged(told({ ...listed, cursor: null }, [run(5)], true), [run(5), run(4)], null);
    expect(ids(next.rows)).toEqual(["r9", "r8", "r7", "r5", "r4"]);
  });

  it("after a break takes what was missed, and keeps the place of who reads", () => {
    const now = [run(12), run(9, { status: "errored" }), run(7)];
    const next = reread(paged(listed, [run(6), run(5)], "end"), now, "more", false);
    expect(ids(next.rows)).toEqual(["r9", "r8", "r7", "r6", "r5"]);
    expect(next.rows[0]?.status).toBe("errored");
    expect(ids(next.held)).toEqual(["r12"]);
    expect([...next.left]).toEqual(["wf r8"]);
    expect(next.cursor).toBe("end");
    expect(ids(reread(listed, now, "more", true).rows)).toEqual(["r12", "r9", "r7"]);
  });

  it("reads on where a shorter list ends", () => {
    expect(reread(listed, [run(9)], null, false).cursor).toBeNull();
    expect([...reread(listed, [run(9)], null, false).left]).toEqual(["wf r8", "wf r7"]);
  });
});
