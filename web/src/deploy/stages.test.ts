import { describe, expect, it } from "vitest";
import { begun, heard, stopped, type Told } from "./stages";

const at = (told: Told, stage: string, progress = 10) =>
  heard(told, "progress", { stage, message: `${stage}…`, progress });
const states = (told: Told) => told.stages.map((stage) => `${stage.id} ${stage.state}`);

describe("the stages of a deploy", () => {
  it("goes through them in order", () => {
    const told = at(at(begun(false), "validate"), "compile", 25);
    expect(states(told)).toEqual([
      "validate done",
      "compile working",
      "bundle ahead",
      "activate ahead",
    ]);
    expect(told.progress).toBe(25);
  });

  it("is a success only after a result", () => {
    const all = at(at(begun(false), "validate"), "activate", 80);
    expect(all.end).toBeNull();
    expect(stopped(all).end).toBeNull();
    expect(states(stopped(all)).at(-1)).toBe("activate failed");
    const done = heard(all, "result", { url: "http://127.0.0.1/" });
    expect(done.end).toBe("result");
    expect(states(done).every((state) => state.endsWith("done"))).toBe(true);
  });

  it("marks the stage that was at work when an error ends it", () => {
    const told = heard(at(begun(false), "compile"), "error", { code: "graph.invalid" });
    expect(told.end).toBe("error");
    expect(states(told)[1]).toBe("compile failed");
    expect(states(told)[2]).toBe("bundle ahead");
  });

  it("shows packages that nobody expected, and stages of later servers, where they come", () => {
    const told = at(at(begun(false), "compile"), "packages", 40);
    expect(states(told)).toEqual([
      "validate done",
      "compile done",
      "packages working",
      "bundle ahead",
      "activate ahead",
    ]);
  });

  it("is not led astray by what is not a stage", () => {
    const told = begun(true);
    expect(heard(told, "progress", null)).toBe(told);
    expect(heard(told, "progress", { stage: 1 })).toBe(told);
    expect(heard(told, "other", {})).toBe(told);
  });

  it("never goes back", () => {
    expect(at(at(begun(false), "compile", 60), "bundle", 30).progress).toBe(60);
  });
});
