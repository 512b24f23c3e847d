import { describe, expect, it } from "vitest";
import type { ListedWorkflow, Run } from "@/api/queries";
import { isOffered, tourOf } from "./tour";

const workflow = (id: string, more: Partial<ListedWorkflow> = {}) =>
  ({ id, kind: "workflow", liveVersion: null, lastRun: null, ...more }) as ListedWorkflow;
const run = (workflowId: string, status: Run["status"]) => ({ workflowId, status }) as Run;
const start = {
  workflows: [],
  runs: [],
  followed: "a" as string | null,
  looked: false,
  completed: false,
};
const done = (tour: ReturnType<typeof tourOf>) =>
  tour.steps.filter((step) => step.done).map((step) => step.id);

describe("the first-run tour", () => {
  it("begins with nothing done", () => {
    expect(done(tourOf(start))).toEqual([]);
  });

  it("goes step by step with what the server says", () => {
    const drawn = { ...start, workflows: [workflow("a")] };
    expect(done(tourOf(drawn))).toEqual(["create"]);
    expect(done(tourOf({ ...drawn, looked: true }))).toEqual(["create", "look"]);
    const live = { ...start, workflows: [workflow("a", { liveVersion: 1 })] };
    expect(done(tourOf(live))).toEqual(["create", "look", "deploy"]);
  });

  it("ends with a finished run, not with one that failed or goes on", () => {
    const live = { ...start, workflows: [workflow("a", { liveVersion: 1 })] };
    for (const status of ["queued", "running", "waiting", "errored", "terminated"] as const) {
      expect(tourOf({ ...live, runs: [run("a", status)] }).finished).toBe(false);
    }
    expect(tourOf({ ...live, runs: [run("b", "complete")] }).finished).toBe(false);
    expect(tourOf({ ...live, runs: [run("a", "complete")] }).finished).toBe(true);
  });

  it("ends with a run that completed long ago, whatever its newest ones did", () => {
    const lastRun = run("a", "waiting") as unknown as ListedWorkflow["lastRun"];
    const workflows = [workflow("a", { liveVersion: 1, lastRun })];
    const known = { ...start, workflows, runs: [run("a", "waiting")] };
    expect(tourOf(known).finished).toBe(false);
    expect(tourOf({ ...known, completed: true }).finished).toBe(true);
  });

  it("ends with its last step only where the others are done", () => {
    const tour = tourOf({ ...start, completed: true });
    expect(done(tour)).toEqual(["run"]);
    expect(tour.finished).toBe(false);
  });

  it("goes with the workflow that was made on it, and with no other", () => {
    const workflows = [workflow("hello", { liveVersion: 1 }), workflow("a")];
    expect(tourOf({ ...start, workflows }).workflow?.id).toBe("a");
    expect(done(tourOf({ ...start, workflows, followed: null }))).toEqual([]);
  });

  it("is for who begins, and for who has begun it", () => {
    const many = ["a", "b", "c"].map((id) => workflow(id));
    expect(isOffered({ workflows: [workflow("hello")], followed: null })).toBe(true);
    expect(isOffered({ workflows: many, followed: null })).toBe(false);
    expect(isOffered({ workflows: many, followed: "b" })).toBe(true);
  });
});
