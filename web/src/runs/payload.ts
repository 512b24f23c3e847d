/** A payload as it is typed: JSON, or nothing. Pure. */

import type { CodeProblem } from "@/design/code-mirror";

export type Payload = { value: unknown; given: boolean; problem: CodeProblem | null };

/** Nothing is no payload. What is no JSON has a problem, with its place. */
export function readPayload(text: string): Payload {
  if (text.trim() === "") return { value: undefined, given: false, problem: null };
  try {
    return { value: JSON.parse(text) as unknown, given: true, problem: null };
  } catch {
    const before = text.slice(0, faultOf(text)).split("\n");
    const [line, column] = [before.length, (before.at(-1)?.length ?? 0) + 1];
    return {
      value: undefined,
      given: true,
      problem: { line, column, message: `Line ${line} is no JSON.`, severity: "error" },
    };
  }
}

const TOKEN =
  /\s*(?:([{}[\],:])|("(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)(?!\w))/uy;

/** Where a text that is no JSON stops being some: browsers tell it in words only. */
function faultOf(text: string): number {
  TOKEN.lastIndex = 0;
  const open: string[] = [];
  let wanted: "value" | "first" | "key" | "first key" | "colon" | "next" = "value";
  for (;;) {
    const at = TOKEN.lastIndex;
    const found = TOKEN.exec(text);
    const start = at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0);
    if (!found) return Math.min(start, text.trimEnd().length);
    const [, mark, string] = found;
    const inObject = open.at(-1) === "{";
    if (wanted === "colon" && mark === ":") wanted = "value";
    else if (wanted === "next" && mark === "," && open.length > 0) {
      wanted = inObject ? "key" : "value";
    } else if ((mark === "}" || mark === "]") && closes(mark, inObject, wanted, open.length)) {
      open.pop();
      wanted = "next";
    } else if ((wanted === "key" || wanted === "first key") && string) wanted = "colon";
    else if ((wanted === "value" || wanted === "first") && (mark === "{" || mark === "[")) {
      open.push(mark);
      wanted = mark === "{" ? "first key" : "first";
    } else if ((wanted === "value" || wanted === "first") && !mark) wanted = "next";
    else return start;
  }
}

function closes(mark: string, inObject: boolean, wanted: string, depth: number): boolean {
  if (depth === 0 || (mark === "}") !== inObject) return false;
  return wanted === "next" || wanted === (inObject ? "first key" : "first");
}

export function writePayload(value: unknown): string {
  return JSON.stringify(value, null, 2) ?? "";
}

const MOST = 8;

/** The newest first, each once. */
export function remembered(before: readonly string[], text: string): string[] {
  return [text, ...before.filter((one) => one !== text)].slice(0, MOST);
}

/** A value that a JSON Schema takes: its example or default, else one made of its parts. */
export function exampleOf(schema: unknown, depth = 0): unknown {
  if (typeof schema !== "object" || schema === null || depth > 8) return null;
  const about = schema as Record<string, unknown>;
  if (Array.isArray(about.examples) && about.examples.length > 0) return about.examples[0];
  if ("default" in about) return about.default;
  if ("const" in about) return about.const;
  if (Array.isArray(about.enum) && about.enum.length > 0) return about.enum[0];
  for (const several of ["anyOf", "oneOf", "allOf"]) {
    const list = about[several];
    if (Array.isArray(list) && list.length > 0) return exampleOf(list[0], depth + 1);
  }
  const type = Array.isArray(about.type) ? about.type[0] : about.type;
  const properties = about.properties as Record<string, unknown> | undefined;
  if (type === "object" || properties) {
    const made: Record<string, unknown> = {};
    for (const [name, inner] of Object.entries(properties ?? {})) {
      made[name] = exampleOf(inner, depth + 1);
    }
    return made;
  }
  if (type === "array") return about.items ? [exampleOf(about.items, depth + 1)] : [];
  if (type === "string") return "";
  if (type === "integer" || type === "number") {
    return typeof about.minimum === "number" ? about.minimum : 0;
  }
  return type === "boolean" ? false : null;
}
