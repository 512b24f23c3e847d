import { describe, expect, it } from "vitest";
import { ApiError, type Detail } from "@/api/client";
import { asLimits, asText, refusedIn, wrongIn } from "./limits";

const none = asText(null);

describe("the limits of a workflow", () => {
  it("are none where nothing is written", () => {
    expect(asLimits(none)).toBeNull();
    expect(wrongIn(none)).toEqual({});
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
    [
      { concurrency: "-3", most: "banana" },
      { concurrency: "A whole number, 1 or more.", most: "A whole number, 1 or more." },
    ],
    [{ most: "1.5" }, { most: "A whole number, 1 or more." }],
    [{ completed: "banana" }, { completed: "A duration, such as 30 days." }],
    [{ failed: "0 days" }, { failed: "A duration, such as 30 days." }],
    [{ startsLimit: "3" }, { startsPeriod: "It needs a period, too." }],
    [{ startsPeriod: "1 hour" }, { startsLimit: "It needs a number, too." }],
    [{ startsLimit: "3", startsPeriod: "1.5hours", failed: "10 days" }, {}],
  ])("%j is told at its fields: %j", (fields, told) =>
    expect(wrongIn({ ...none, ...fields })).toEqual(told),
  );

  it("are told at their fields by the server, too", () => {
    const detail = (path: string) => ({ path, message: `about ${path}` }) as Detail;
    const refused = new ApiError(422, "limits.invalid", "No.", [
      detail("limits.retention.failed"),
      detail("limits.other"),
    ]);
    expect(refusedIn(refused)).toEqual({ failed: "about limits.retention.failed" });
    expect(refusedIn(new Error("No."))).toEqual({});
  });
});
