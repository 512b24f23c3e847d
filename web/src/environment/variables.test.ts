import { describe, expect, it } from "vitest";
import { canBeName, missing, namesIn } from "./variables";

describe("the variables that a graph asks for", () => {
  it("are found in expressions and in code, however deep", () => {
    const data = {
      url: "https://{{env.HOST}}/orders",
      headers: [{ value: 'Bearer {{env["TOKEN"]}}' }],
      code: "return env.REGION + self.env['ZONE']",
    };
    expect([...namesIn(data)].sort()).toEqual(["HOST", "REGION", "TOKEN", "ZONE"]);
  });

  it("are not found in other words", () => {
    expect([...namesIn({ code: "environment.X + senv.Y + env [i]" })]).toEqual([]);
  });

  it("are missing unless the workflow or its project sets them", () => {
    const used = new Set(["HOST", "TOKEN", "WORKFLOW"]);
    expect(missing(used, [{ name: "TOKEN" }])).toEqual(["HOST"]);
  });
});

describe("the name of a variable", () => {
  it.each([
    ["API_TOKEN", true],
    ["_x9", true],
    ["9X", false],
    ["A-B", false],
    ["", false],
    ["A".repeat(129), false],
  ])("%s", (name, can) => expect(canBeName(name)).toBe(can));
});
