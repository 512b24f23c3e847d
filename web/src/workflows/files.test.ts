import { describe, expect, it } from "vitest";
import { FileRefused, fileName, parsed } from "./files";

describe("a file that is brought in", () => {
  it("is a JSON object, whatever else it may hold", () => {
    expect(parsed('{"nodes": []}')).toEqual({ nodes: [] });
  });

  it.each(["", "hello", "[1]", "null", '"text"', "{", '{"a": 1}}', "<html>"])(
    "is refused with a reason: %j",
    (text) => expect(() => parsed(text)).toThrow(FileRefused),
  );
});

describe("the name of an export", () => {
  it.each([
    ["Refund desk", "refund-desk.json"],
    ["../../etc/passwd", "etcpasswd.json"],
    ["Ünïcode & more", "unicode-more.json"],
    ["工作流", "workflow.json"],
    ["x".repeat(300), `${"x".repeat(60)}.json`],
  ])("%s", (name, file) => expect(fileName(name)).toBe(file));
});
