import { describe, expect, it } from "vitest";
import { browserUrl, curlOf, exampleOf, quoted } from "./addresses";

describe("Worker URLs", () => {
  it("open under the worker's own name", () => {
    expect(browserUrl("http://127.0.0.1:8787/hello-q1oc55/")).toBe(
      "http://hello-q1oc55.localhost:8787/",
    );
  });

  it("stay as they are elsewhere", () => {
    const url = "https://hello.example.com/";
    expect(browserUrl(url)).toBe(url);
    expect(browserUrl("no address")).toBe("no address");
  });

  it("make a line that a shell takes as it is", () => {
    expect(quoted("it's")).toBe("'it'\\''s'");
    expect(curlOf("http://127.0.0.1:1/w/", null)).toBe(
      "curl -X POST 'http://127.0.0.1:1/w/' -H 'Content-Type: application/json' -d '{}'",
    );
  });

  it("show a payload of the shape that is asked for", () => {
    const schema = {
      type: "object",
      properties: {
        id: { type: "string", examples: ["ord_001"] },
        items: { type: "array", items: { type: "integer", minimum: 5 } },
        rush: { type: "boolean" },
        kind: { enum: ["a", "b"] },
      },
    };
    expect(exampleOf(schema)).toEqual({ id: "ord_001", items: [5], rush: true, kind: "a" });
    expect(exampleOf(null)).toEqual({});
  });
});
