/** What an expression comes to with the values of the last run, by the language's rules. Pure. */

import {
  asExpression,
  exactly,
  type Key,
  NoExpression,
  type Part,
  parseTemplate,
  type Reference,
} from "./expressions";

/** The values that are known, by the name they are read by. */
export type Values = ReadonlyMap<string, unknown>;

export type Preview =
  /** Nothing is referred to: the text is what it is. */
  | { kind: "plain" }
  | { kind: "value"; value: unknown; text: string; exact: boolean }
  /** These names have no value yet. */
  | { kind: "waiting"; names: string[] }
  | { kind: "problem"; message: string };

class Missing extends Error {}

/** Follows a path into a value. What is missing is told with node and path, as in a run. */
function follow(value: unknown, root: string, path: readonly Key[]): unknown {
  // A node on a way that was not taken: it is None, and so is whatever is looked for in it.
  if (value === null) return null;
  let found: unknown = value;
  for (const [depth, key] of path.entries()) {
    const inner = step(found, key);
    if (inner === undefined) {
      if (root === "env") throw new Missing(`There is no variable ${key} in the environment yet.`);
      throw new Missing(`${asExpression(root, path.slice(0, depth + 1))} is missing.`);
    }
    found = inner;
  }
  return found;
}

function step(value: unknown, key: Key): unknown {
  if (typeof key === "number") {
    return Array.isArray(value) || typeof value === "string" ? value[key] : undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}

export function valueAt(values: Values, { root, path }: Reference): unknown {
  return follow(values.get(root), root, path);
}

/** None is empty, text stays as it is, all else is JSON as Python writes it. */
export function asText(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : asJson(value);
}

function asJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(asJson).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const inner = Object.entries(value).map(
      ([key, one]) => `${JSON.stringify(key)}: ${asJson(one)}`,
    );
    return `{${inner.join(", ")}}`;
  }
  return JSON.stringify(value ?? null);
}

/** A text in which `{{…}}` may stand, with its values filled in. */
export function previewText(text: string, values: Values): Preview {
  return previewing(text, values, (parts) => {
    const only = exactly(parts);
    if (only) {
      const value = valueAt(values, only);
      return { kind: "value", value, text: asText(value), exact: true };
    }
    const filled = parts.map((part) =>
      typeof part === "string" ? part : asText(valueAt(values, part)),
    );
    const whole = filled.join("");
    return { kind: "value", value: whole, text: whole, exact: false };
  });
}

function previewing(text: string, values: Values, fill: (parts: Part[]) => Preview): Preview {
  try {
    const parts = parseTemplate(text);
    const references = parts.filter((part): part is Reference => typeof part === "object");
    if (references.length === 0) return { kind: "plain" };
    const names = [...new Set(references.map((one) => one.root))].filter(
      (name) => !values.has(name),
    );
    return names.length > 0 ? { kind: "waiting", names } : fill(parts);
  } catch (error) {
    if (error instanceof Missing || error instanceof NoExpression) {
      return { kind: "problem", message: error.message };
    }
    throw error;
  }
}

const LONGEST = 60;

/** A value as Python writes it, what is large by its size only. */
export function asLiteral(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "string") {
    const cut = value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value;
    return JSON.stringify(cut);
  }
  if (typeof value !== "object") return String(value);
  const written = asJson(value);
  if (written.length <= LONGEST) return written;
  return Array.isArray(value) ? `[… ${value.length} …]` : `{… ${Object.keys(value).length} …}`;
}

const BRACES = String.raw`(\{\{.*?\}\})`;
const SKIPPED = String.raw`("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|#[^\n]*)`;
const KEY = String.raw`\[(?:"[^"\\\n]*"|'[^'\\\n]*'|\d+)\]`;
/** Only the event and `env` are read by attributes; what is called is a method. */
const OURS = String.raw`(?<![\w.])(event|env)((?:\.[A-Za-z_]\w*(?!\w*\s*\()|${KEY})+)`;
const NAMED = String.raw`(?<![\w.])([A-Za-z_]\w*)((?:${KEY})*)`;
const TOKEN = new RegExp([BRACES, SKIPPED, OURS, NAMED].join("|"), "g");

/**
 * A condition with its values filled in, as Python. It is not worked out: only Python knows what
 * it comes to.
 */
export function previewCondition(text: string, values: Values): Preview {
  const waiting = new Set<string>();
  let filled = 0;
  try {
    const fill = (reference: Reference): string => {
      filled++;
      if (values.has(reference.root)) return asLiteral(valueAt(values, reference));
      waiting.add(reference.root);
      return reference.text;
    };
    const whole = text.replace(TOKEN, (token, braces, skipped, ours, ourKeys, named, keys) => {
      const root = ours ?? named;
      if (skipped || (!braces && (!values.has(root) || token === "event" || token === "env"))) {
        return token;
      }
      const reference = exactly(parseTemplate(braces ?? `{{${root}${ourKeys ?? keys}}}`));
      return reference ? fill(reference) : token;
    });
    if (filled === 0) return { kind: "plain" };
    if (waiting.size > 0) return { kind: "waiting", names: [...waiting] };
    return { kind: "value", value: whole, text: whole, exact: false };
  } catch (error) {
    if (error instanceof Missing || error instanceof NoExpression) {
      return { kind: "problem", message: error.message };
    }
    throw error;
  }
}
