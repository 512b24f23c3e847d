import { describe, expect, it } from "vitest";
import { asLimits, asText, wrongIn } from "./limits";

const none = asText(null);

describe("the limits of a workflow", () => {
  it("are none where nothing is written", () => {
    expect(asLimits(none)).toBeNull();
    expect(wrongIn(none)).toBeUndefined();
  });

  it("come back as they went", () => {
    const limits = {
      concurrency: 5,
      starts: { limit: 100, period: "1 minute" },
      retention: { completed: "30 days", failed: null, most: 1000 },
    };
    expect(asLimits(asText(limits))).toEqual(limits);
  });

  it("may be one alone", () => {
    expect(asLimits({ ...none, concurrency: " 2 " })).toEqual({
      concurrency: 2,
      starts: null,
      retention: null,
    });
  });

  it.each([
    [{ concurrency: "0" }, "Numbers are whole, and 1 or more."],
    [{ most: "1.5" }, "Numbers are whole, and 1 or more."],
    [{ startsLimit: "3" }, "Starts need both a number and a period."],
    [{ startsPeriod: "1 hour" }, "Starts need both a number and a period."],
    [{ startsLimit: "3", startsPeriod: "1 hour" }, undefined],
  ])("%j is told: %s", (fields, told) => expect(wrongIn({ ...none, ...fields })).toBe(told));
});
