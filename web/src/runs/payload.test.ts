import { describe, expect, it } from "vitest";
import { exampleOf, readPayload, remembered } from "./payload";

describe("a payload", () => {
  it("may be nothing at all", () => {
    expect(readPayload("  \n")).toEqual({ value: undefined, given: false, problem: null });
    expect(readPayload("null")).toMatchObject({ value: null, given: true, problem: null });
  });

  it("tells where it is no JSON", () => {
    const at = (text: string) => {
      const { problem } = readPayload(text);
      return problem && [problem.line, problem.column];
    };
    expect(at('{\n  "id": 1,\n  oops\n}')).toEqual([3, 3]);
    expect(at('{"a": oops}')).toEqual([1, 7]);
    expect(at('{"a": 1,}')).toEqual([1, 9]);
    expect(at('{"a": 1} 2')).toEqual([1, 10]);
    expect(at("[1, 01]")).toEqual([1, 5]);
    expect(at("['a']")).toEqual([1, 2]);
    expect(at('{"a": [1, 2}')).toEqual([1, 12]);
    expect(at('{"a": "b\n"}')).toEqual([1, 7]);
    expect(at('{"a":\n')).toEqual([2, 1]);
    expect(at("}")).toEqual([1, 1]);
    expect(at('{"a": {}, "b": [[]]}')).toBeNull();
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
