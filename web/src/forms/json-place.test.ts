import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { faultOf } from "./json-place";

describe("the place where JSON goes wrong", () => {
  it.each([
    ['{\n  "a": x\n}', 2, 8],
    ['{"a" 1}', 1, 6],
    ['{"a": 1,}', 1, 9],
    ["[1, 2", 1, 6],
    ["", 1, 1],
    ["[1] 2", 1, 5],
    ['{"a": 01}', 1, 7],
    ["{'a': 1}", 1, 2],
    ['["a\nb"]', 1, 2],
    ["[1}", 1, 3],
  ])("%j", (text, line, column) => {
    expect(faultOf(text)).toMatchObject({ line, column });
  });

  it("is told where a value is nested too deep, however deep", () => {
    expect(faultOf(`${"[".repeat(64)}${"]".repeat(64)}`)).toBeNull();
    expect(faultOf("[".repeat(200_000))?.message).toContain("64");
  });

  it("is nowhere in what JSON.stringify writes", () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 5 }),
        fc.nat(4),
        (value, indent) => faultOf(JSON.stringify(value, null, indent)) === null,
      ),
    );
  });

  it("agrees with JSON.parse on any text", () => {
    const letters = fc.constantFrom(...'{}[]:,"\\0 1-.eEtrufalsn\n');
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 12 }), (signs) => {
        const text = signs.join("");
        let good = true;
        try {
          JSON.parse(text);
        } catch {
          good = false;
        }
        return (faultOf(text) === null) === good;
      }),
      { numRuns: 2000 },
    );
  });
});
