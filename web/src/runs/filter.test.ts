import { describe, expect, it } from "vitest";
import { queryOf, runsAddress, spanOf, toggled } from "./filter";

const NOW = new Date("2026-11-27T12:00:00Z");

describe("the filter of a list of runs", () => {
  it("asks the API for what stands in the address, and for nothing it does not know", () => {
    expect(
      queryOf({ status: "errored,waiting,nonsense", trigger: "api", since: "hour", q: "ord" }, NOW),
    ).toEqual({
      status: ["waiting", "errored"],
      trigger: ["api"],
      createdAfter: "2026-11-27T11:00:00.000Z",
      text: "ord",
    });
    expect(queryOf({ status: "nonsense" }, NOW)).toEqual({});
  });

  it("puts a status in and takes it out", () => {
    expect(toggled({}, "errored")).toBe("errored");
    expect(toggled({ status: "errored" }, "queued")).toBe("queued,errored");
    expect(toggled({ status: "errored" }, "errored")).toBeUndefined();
  });

  it("reads a span of its own, open at either end, and no nonsense", () => {
    const from = "2026-11-01T00:00:00.000Z";
    expect(spanOf(`${from}~`, NOW)).toEqual({ from, to: undefined });
    expect(spanOf(`~${from}`, NOW)).toEqual({ from: undefined, to: from });
    expect(spanOf("whenever", NOW)).toEqual({ from: undefined, to: undefined });
  });

  it("writes the address of a list and of its stream", () => {
    expect(runsAddress("wf_1", { status: ["errored", "waiting"], text: "a b" })).toBe(
      "/api/workflows/wf_1/runs?status=errored&status=waiting&text=a+b",
    );
    expect(runsAddress(undefined, {}, "/stream")).toBe("/api/runs/stream");
  });
});
