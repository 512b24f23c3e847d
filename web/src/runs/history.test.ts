import { describe, expect, it } from "vitest";
import { mergeSteps, parseName, piecesOf, stepKey, triesOf } from "./history";
import { attempt, step } from "./testing";

describe("the steps of a run", () => {
  it("are told apart by name, count and type", () => {
    expect(stepKey(step("Nap", { type: "sleep" }))).toBe("Nap~1~sleep");
    expect(stepKey(step("Nap", { count: 2 }))).toBe("Nap~2");
  });

  it("are replaced where they stand, and others follow", () => {
    const before = [step("a"), step("b", { status: "running" })];
    const done = step("b");
    const next = mergeSteps(before, [done, step("c")]);
    expect(next.map((one) => one.name)).toEqual(["a", "b", "c"]);
    expect(next[1]).toBe(done);
    expect(next[0]).toBe(before[0]);
    expect(mergeSteps(before, [])).toBe(before);
  });

  it("have names that tell node, part and iterations", () => {
    expect(parseName("Book line [3.0]")).toEqual({
      base: "Book line",
      part: null,
      indices: [3, 0],
    });
    expect(parseName("Pay · result [2]")).toEqual({ base: "Pay", part: "result", indices: [2] });
    expect(parseName("Pay [2] · rollback").part).toBe("rollback");
    expect(parseName("Read [draft]")).toEqual({ base: "Read [draft]", part: null, indices: [] });
  });

  it("count attempts that are not kept", () => {
    const often = step("Poll", {
      attempts: [attempt(0, 1, { error: "no" }), attempt(9, 10, { number: 9 })],
      attemptsLeftOut: 7,
    });
    expect(triesOf(often)).toBe(9);
    expect(piecesOf(often).map((piece) => piece.kind)).toEqual(["failed", "work"]);
  });

  it("take their time in attempts and in the delays between them", () => {
    const failing = step("a", {
      from: 0,
      status: "waiting",
      attempts: [
        attempt(0, 100, { error: "no", delay: 2 }),
        attempt(2100, 2300, { error: "no", delay: 4 }),
      ],
    });
    expect(piecesOf(failing).map(({ kind, from, to }) => [kind, from, to])).toEqual([
      ["failed", 0, 100],
      ["delay", 100, 2100],
      ["failed", 2100, 2300],
      ["delay", 2300, null],
    ]);
    const given = step("b", {
      to: 100,
      status: "errored",
      attempts: [attempt(0, 100, { error: "no" })],
    });
    expect(piecesOf(given).map((piece) => piece.kind)).toEqual(["failed"]);
  });
});
