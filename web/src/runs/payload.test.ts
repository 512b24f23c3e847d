import { describe, expect, it } from "vitest";
import { exampleOf, readPayload, remembered } from "./payload";

describe("a payload", () => {
  it("may be nothing at all", () => {
    expect(readPayload("  \n")).toEqual({ value: undefined, given: false, problem: null });
    expect(readPayload("null")).toMatchObject({ value: null, given: true, problem: null });
  });

  it("tells where it is no JSON", () => {
    const { problem } = readPayload('{\n  "id": 1,\n  oops\n}');
    expect(problem?.line).toBe(3);
  });

  it("is remembered once, the newest first", () => {
    expect(remembered(["a", "b", "c"], "b")).toEqual(["b", "a", "c"]);
    const many = Array.from({ length: 20 }, (_, index) => `p${index}`);
    expect(remembered(many, "x")).toHaveLength(8);
  });

  it("is prefilled with what a schema takes", () => {
    const schema = {
      type: "object",
      properties: {
        id: { type: "string", examples: ["ord_1"] },
        count: { type: "integer", minimum: 1 },
        kind: { enum: ["a", "b"] },
        tags: { type: "array", items: { type: "string", default: "new" } },
        note: { anyOf: [{ type: "string" }, { type: "null" }] },
      },
    };
    expect(exampleOf(schema)).toEqual({
      id: "ord_1",
      count: 1,
      kind: "a",
      tags: ["new"],
      note: "",
    });
    expect(exampleOf({ examples: [{ a: 1 }] })).toEqual({ a: 1 });
    expect(exampleOf(true)).toBeNull();
  });
});
