import { describe, expect, it } from "vitest";
import { asExpression, asPython, parseTemplate } from "./expressions";
import { asLiteral, asText, previewCondition, previewText } from "./preview";

const values = new Map<string, unknown>([
  [
    "order",
    { id: 7, "ship to": { city: "Köln" }, items: [{ sku: "tea" }], note: null, paid: true },
  ],
  ["name", "Ada"],
  ["skipped", null],
  ["event", { payload: { n: 3 } }],
  ["env", { REGION: "eu" }],
]);
const shown = (text: string) => {
  const preview = previewText(text, values);
  return preview.kind === "value" ? preview.text : preview;
};

describe("a text with its values filled in", () => {
  it("walks paths by names, numbers and quoted keys", () => {
    expect(shown("{{order.items[0].sku}}!")).toBe("tea!");
    expect(shown(`to {{ order["ship to"].city }}`)).toBe("to Köln");
    expect(shown("{{order['ship to']['city']}}.")).toBe("Köln.");
    expect(shown("{{event.payload.n}}/{{env.REGION}}")).toBe("3/eu");
  });

  it("None is empty, text is as it is, all else is JSON", () => {
    expect(shown("<{{order.note}}>")).toBe("<>");
    expect(shown("<{{name}}>")).toBe("<Ada>");
    expect(shown("<{{order.items}}>")).toBe('<[{"sku": "tea"}]>');
    expect(shown("<{{order.paid}}>")).toBe("<true>");
    expect(asText({ a: [1, "ä"] })).toBe('{"a": [1, "ä"]}');
  });

  it("keeps the type of one expression and nothing else", () => {
    expect(previewText("{{order.items}}", values)).toMatchObject({
      exact: true,
      value: [{ sku: "tea" }],
    });
    expect(previewText("{{order.id}}", values)).toMatchObject({ exact: true, value: 7 });
  });

  it("is None on a way that was not taken, and in it", () => {
    expect(shown("<{{skipped.any.thing}}>")).toBe("<>");
  });

  it("tells a missing key with node and path", () => {
    expect(previewText("{{order.total.net}}", values)).toEqual({
      kind: "problem",
      message: "order.total is missing.",
    });
    expect(previewText("{{order.items[3]}}", values)).toEqual({
      kind: "problem",
      message: "order.items[3] is missing.",
    });
    expect(previewText("{{order.toString}}", values)).toMatchObject({ kind: "problem" });
    expect(previewText("{{order.note.deeper}}", values)).toMatchObject({ kind: "problem" });
    expect(previewText("{{env.NOPE}}", values)).toMatchObject({ kind: "problem" });
  });

  it("waits for what has no value yet, and leaves plain text alone", () => {
    expect(previewText("{{later.x}} {{later.y}}", values)).toEqual({
      kind: "waiting",
      names: ["later"],
    });
    expect(previewText("nothing here", values)).toEqual({ kind: "plain" });
    expect(previewText("", values)).toEqual({ kind: "plain" });
  });

  it("tells what is no expression", () => {
    expect(previewText("{{order.", values)).toMatchObject({ kind: "problem" });
    expect(previewText("{{ 1 + 1 }}", values)).toMatchObject({ kind: "problem" });
  });
});

describe("a condition with its values filled in", () => {
  const python = (text: string) => {
    const preview = previewCondition(text, values);
    return preview.kind === "value" ? preview.text : preview;
  };

  it("writes them as Python does", () => {
    expect(python('order["id"] > 5')).toBe("7 > 5");
    expect(python("{{order.note}} is None and {{order.paid}}")).toBe("None is None and True");
    expect(python('name == "Ada"')).toBe('"Ada" == "Ada"');
    expect(python('event["payload"]["n"] in (1, 3)')).toBe("3 in (1, 3)");
    expect(python("event.payload.n")).toBe("3");
  });

  it("touches neither quotes, comments, attributes nor calls", () => {
    expect(python('"name" != name  # name')).toBe('"name" != "Ada"  # name');
    expect(python("x.name + name")).toBe('x.name + "Ada"');
    expect(python("event.payload.get('n')")).toBe("{\"n\": 3}.get('n')");
  });

  it("tells what is missing, waits, or is plain", () => {
    expect(python('order["total"] > 1')).toEqual({
      kind: "problem",
      message: "order.total is missing.",
    });
    expect(python("{{later}} > 1")).toEqual({ kind: "waiting", names: ["later"] });
    expect(python("1 < 2")).toEqual({ kind: "plain" });
  });

  it("tells of what is large its size", () => {
    expect(asLiteral(Array.from({ length: 50 }, (_, n) => n))).toBe("[… 50 …]");
  });
});

describe("paths are written", () => {
  it("as expressions that read back", () => {
    const path = ["a", 0, "b-c", "d e"];
    const text = asExpression("node", path);
    expect(text).toBe('node.a[0].b-c["d e"]');
    expect(parseTemplate(`{{${text}}}`)).toEqual([{ root: "node", path, text }]);
  });

  it("as Python", () => {
    expect(asPython("node", ["a", 0, 'q"'])).toBe('node["a"][0]["q\\""]');
    expect(asPython("env", ["KEY"])).toBe("env.KEY");
  });
});
