/** What a form asks for, read from the JSON Schema of a node type's `data`. Pure. */

type Role =
  | "code"
  | "rollback"
  | "condition"
  | "template"
  | "duration"
  | "timestamp"
  | "input"
  | "workflow"
  | "function";

export type Shape =
  | { kind: "text"; role: Role | null; secret: string | null; most: number | null }
  | { kind: "choice"; choices: string[] }
  | { kind: "number"; whole: boolean; least: number | null; most: number | null }
  | { kind: "switch" }
  | { kind: "map" }
  | { kind: "list"; of: FormField[] }
  | { kind: "record"; fields: FormField[] }
  | { kind: "union"; by: string; options: Option[] }
  | { kind: "json"; role: Role | null };

type Option = { value: string; title: string; fields: FormField[] };

export type FormField = {
  name: string;
  title: string;
  help: string;
  placeholder: string;
  required: boolean;
  /** Whether null may stand there: nothing is a value. */
  nullable: boolean;
  /** What holds when nothing stands there. */
  fallback: unknown;
  /** The folded part of the form it belongs to, as `retries`. */
  group: string | null;
  shape: Shape;
};

type Schema = Record<string, unknown>;

const DEEPEST = 8;

/** The fields of a node type. `output` is left out: it is a switch of its own. */
export function fieldsOf(schema: Schema): FormField[] {
  return fieldsIn(schema, schema, 0).filter((field) => field.name !== "output");
}

function fieldsIn(schema: Schema, root: Schema, depth: number): FormField[] {
  const properties = record(schema.properties);
  const required = new Set(texts(schema.required));
  return Object.entries(properties).map(([name, raw]) => {
    const written = resolved(record(raw), root);
    const { inner, nullable } = unwrapped(written, root);
    const told = { ...inner, ...written };
    return {
      name,
      title: titleOf(name, told.title),
      help: text(told.description),
      placeholder: text(told["x-placeholder"]),
      required: required.has(name),
      nullable,
      fallback: "default" in written ? written.default : nullable ? null : undefined,
      group: text(told["x-group"]) || null,
      shape: shapeOf(inner, written, root, depth),
    };
  });
}

/** `anyOf` with null is the other one, and may be nothing. */
function unwrapped(schema: Schema, root: Schema): { inner: Schema; nullable: boolean } {
  const choices = list(schema.anyOf);
  if (choices.length === 0) return { inner: schema, nullable: false };
  const some = choices.map((one) => resolved(record(one), root));
  const others = some.filter((one) => one.type !== "null");
  const nullable = others.length < some.length;
  const [only] = others;
  if (others.length === 1 && only) return { inner: only, nullable };
  return { inner: {}, nullable };
}

function shapeOf(inner: Schema, written: Schema, root: Schema, depth: number): Shape {
  const role = (written["x-role"] ?? inner["x-role"] ?? null) as Role | null;
  const secret = text(written["x-secret"] ?? inner["x-secret"]) || null;
  if (depth > DEEPEST) return { kind: "json", role };
  const options = list(inner.oneOf);
  if (options.length > 0) return unionOf(inner, options, root, depth);
  if (Array.isArray(inner.enum)) return { kind: "choice", choices: inner.enum.map(String) };
  switch (inner.type) {
    case "string":
      return { kind: "text", role, secret, most: number(inner.maxLength) };
    case "integer":
    case "number":
      return {
        kind: "number",
        whole: inner.type === "integer",
        least: number(inner.minimum),
        most: number(inner.maximum),
      };
    case "boolean":
      return { kind: "switch" };
    case "array": {
      const of = resolved(record(inner.items), root);
      return of.properties
        ? { kind: "list", of: fieldsIn(of, root, depth + 1) }
        : { kind: "json", role };
    }
    case "object":
      if (inner.properties) {
        return { kind: "record", fields: fieldsIn(inner, root, depth + 1) };
      }
      return record(inner.additionalProperties).type === "string"
        ? { kind: "map" }
        : { kind: "json", role };
    default:
      return { kind: "json", role };
  }
}

function unionOf(schema: Schema, options: unknown[], root: Schema, depth: number): Shape {
  const by = text(record(schema.discriminator).propertyName) || "type";
  const found = options.flatMap((raw) => {
    const option = resolved(record(raw), root);
    const value = record(record(option.properties)[by]).const;
    if (typeof value !== "string") return [];
    const fields = fieldsIn(option, root, depth + 1).filter((field) => field.name !== by);
    return [{ value, title: spelled(value), fields }];
  });
  return found.length > 0 ? { kind: "union", by, options: found } : { kind: "json", role: null };
}

/** A schema with its `$ref` into `$defs` followed. */
function resolved(schema: Schema, root: Schema): Schema {
  let found = schema;
  for (let step = 0; step < DEEPEST && typeof found.$ref === "string"; step++) {
    const name = found.$ref.split("/").at(-1) ?? "";
    const { $ref: _, ...rest } = found;
    found = { ...record(record(root.$defs)[name]), ...rest };
  }
  return found;
}

/** A title that was written by a person; else the name, spelled out: `retryLimit` is Retry limit. */
function titleOf(name: string, title: unknown): string {
  if (typeof title === "string" && title !== "" && !isMade(name, title)) return title;
  return spelled(name);
}

function isMade(name: string, title: string): boolean {
  return (
    name.length > 1 && /[A-Z]/.test(name.slice(1)) && title.toLowerCase() === name.toLowerCase()
  );
}

const ALWAYS_BIG = /\b(url|id|api|sql|json|http)\b/gi;

export function spelled(name: string): string {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/_/g, " ")
    .toLowerCase()
    .replace(ALWAYS_BIG, (word) => word.toUpperCase());
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function record(value: unknown): Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Schema)
    : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function texts(value: unknown): string[] {
  return list(value).filter((one): one is string => typeof one === "string");
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
