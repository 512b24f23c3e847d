import { describe, expect, it } from "vitest";
import { browserUrl, curlOf, quoted } from "./addresses";

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
    expect(curlOf("http://127.0.0.1:1/w/", { examples: [{ id: "ord_001" }] })).toMatch(
      /-d '{"id":"ord_001"}'$/,
    );
  });
});
