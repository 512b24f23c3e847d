import { describe, expect, it } from "vitest";
import { blank, held, retriesSaid, strangers, withField, written } from "./data";
import { type FormField, fieldsOf, spelled } from "./schema";

const AUTH = {
  anyOf: [
    {
      discriminator: { propertyName: "type" },
      oneOf: [{ $ref: "#/$defs/Bearer" }, { $ref: "#/$defs/Basic" }],
    },
    { type: "null" },
  ],
  default: null,
  title: "Authorization",
};

const SCHEMA = {
  $defs: {
    Arm: {
      type: "object",
      properties: {
        label: { type: "string" },
        condition: { type: "string", default: "", "x-role": "condition" },
      },
      required: ["label"],
    },
    Bearer: {
      type: "object",
      properties: { type: { const: "bearer" }, token: { type: "string", "x-role": "template" } },
      required: ["type", "token"],
    },
    Basic: {
      type: "object",
      properties: {
        type: { const: "basic" },
        username: { type: "string" },
        password: { type: "string" },
      },
      required: ["type", "username", "password"],
    },
  },
  properties: {
    retryLimit: {
      type: "integer",
      default: 5,
      minimum: 0,
      maximum: 10_000,
      title: "Retrylimit",
      "x-group": "retries",
    },
    retryDelay: {
      type: "string",
      default: "10 seconds",
      "x-role": "duration",
      "x-group": "retries",
    },
    backoff: {
      enum: ["constant", "linear", "exponential"],
      default: "exponential",
      type: "string",
      "x-group": "retries",
    },
    timeout: { type: "string", default: "10 minutes", "x-role": "duration", "x-group": "retries" },
    url: {
      type: "string",
      title: "Where to",
      description: "An address.",
      "x-role": "template",
      "x-placeholder": "https://…",
    },
    key: {
      anyOf: [{ type: "string" }, { type: "null" }],
      default: null,
      "x-secret": "API_KEY",
      "x-role": "template",
    },
    headers: { type: "object", additionalProperties: { type: "string" }, default: {} },
    options: { type: "object", additionalProperties: true, default: {} },
    auth: AUTH,
    arms: { type: "array", items: { $ref: "#/$defs/Arm" } },
    body: { default: null, "x-role": "template" },
    quiet: { type: "boolean", default: false },
    level: { anyOf: [{ type: "number", minimum: 0, maximum: 2 }, { type: "null" }], default: null },
    output: { type: "boolean", default: false },
  },
  required: ["url", "arms"],
};

const fields = fieldsOf(SCHEMA);
const named = (name: string) => fields.find((field) => field.name === name) as FormField;

describe("a schema becomes fields", () => {
  it("leaves out the switch for the run's output", () => {
    expect(fields.map((field) => field.name)).not.toContain("output");
  });

  it("knows the shape of each", () => {
    const shapes = Object.fromEntries(fields.map((field) => [field.name, field.shape.kind]));
    expect(shapes).toEqual({
      retryLimit: "number",
      retryDelay: "text",
      backoff: "choice",
      timeout: "text",
      url: "text",
      key: "text",
      headers: "map",
      options: "json",
      auth: "union",
      arms: "list",
      body: "json",
      quiet: "switch",
      level: "number",
    });
  });

  it("takes titles, help, roles and secrets from it", () => {
    expect(named("url")).toMatchObject({
      title: "Where to",
      help: "An address.",
      placeholder: "https://…",
      required: true,
      shape: { role: "template", secret: null },
    });
    expect(named("key")).toMatchObject({
      nullable: true,
      shape: { role: "template", secret: "API_KEY" },
    });
    expect(named("retryLimit")).toMatchObject({ title: "Retry limit", group: "retries" });
  });

  it("follows references into unions and lists", () => {
    const auth = named("auth").shape;
    if (auth.kind !== "union") throw new Error(auth.kind);
    expect(
      auth.options.map((option) => [option.value, option.fields.map((one) => one.name)]),
    ).toEqual([
      ["bearer", ["token"]],
      ["basic", ["username", "password"]],
    ]);
    const arms = named("arms").shape;
    if (arms.kind !== "list") throw new Error(arms.kind);
    expect(arms.of.map((one) => one.name)).toEqual(["label", "condition"]);
  });

  it("ends on a schema that holds itself", () => {
    const endless = {
      $defs: { A: { type: "object", properties: { a: { $ref: "#/$defs/A" } } } },
      properties: { a: { $ref: "#/$defs/A" } },
    };
    expect(fieldsOf(endless)).toHaveLength(1);
    expect(fieldsOf({ properties: { a: { $ref: "#/properties/a" } } })).toHaveLength(1);
  });

  it("spells names out", () => {
    expect(spelled("bodyType")).toBe("Body type");
    expect(spelled("apiUrl")).toBe("API URL");
    expect(spelled("max_items")).toBe("Max items");
  });
});

describe("what is the default is not written down", () => {
  it("for plain values, maps and nothing", () => {
    expect(written(named("retryLimit"), 5)).toBeUndefined();
    expect(written(named("retryLimit"), 3)).toBe(3);
    expect(written(named("headers"), {})).toBeUndefined();
    expect(written(named("key"), null)).toBeUndefined();
    expect(written(named("quiet"), false)).toBeUndefined();
  });

  it("but for what has to be there", () => {
    expect(written(named("url"), "")).toBe("");
  });

  it("inside of records, too", () => {
    const arms = named("arms").shape;
    if (arms.kind !== "list") throw new Error(arms.kind);
    const condition = arms.of[1] as FormField;
    const arm = { label: "a", condition: "x" };
    expect(withField(arm, condition, "")).toEqual({ label: "a" });
    expect(withField(arm, condition, "y")).toEqual({ label: "a", condition: "y" });
    expect(arm).toEqual({ label: "a", condition: "x" });
  });

  it("and still holds", () => {
    expect(held({}, named("backoff"))).toBe("exponential");
    expect(held({ backoff: "linear" }, named("backoff"))).toBe("linear");
    expect(held({}, named("level"))).toBeNull();
  });
});

it("a new record has what must be there", () => {
  const auth = named("auth").shape;
  if (auth.kind !== "union") throw new Error(auth.kind);
  expect(blank(auth.options[1]?.fields ?? [])).toEqual({ username: "", password: "" });
});

it("fields the type does not have are found", () => {
  expect(strangers({ url: "", output: true, colour: 1 }, fields)).toEqual(["colour"]);
});

it("retries are told in one line", () => {
  expect(retriesSaid({}, fields)).toBe("5 retries, 10 s, exponential · 10 min each");
  expect(retriesSaid({ retryLimit: 0, timeout: "1 hour" }, fields)).toBe("no retries · 1 h each");
  expect(retriesSaid({ retryLimit: 1, backoff: "linear" }, fields)).toBe(
    "1 retry, 10 s, linear · 10 min each",
  );
});
