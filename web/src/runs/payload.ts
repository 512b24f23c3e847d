/** A payload as it is typed: JSON, or nothing. Pure. */

import type { CodeProblem } from "@/design/code-mirror";

export type Payload = { value: unknown; given: boolean; problem: CodeProblem | null };

/** Nothing is no payload. What is no JSON has a problem, with its place. */
export function readPayload(text: string): Payload {
  if (text.trim() === "") return { value: undefined, given: false, problem: null };
  try {
    return { value: JSON.parse(text) as unknown, given: true, problem: null };
  } catch (error) {
    const { line, column } = placeOf(text, (error as Error).message);
    return {
      value: undefined,
      given: true,
      problem: { line, column, message: "This is no JSON here.", severity: "error" },
    };
  }
}

/** Engines tell the place in different words; those of V8 count characters, others lines. */
function placeOf(text: string, message: string): { line: number; column: number } {
  const lines = /line (\d+) column (\d+)/.exec(message);
  if (lines) return { line: Number(lines[1]), column: Number(lines[2]) };
  const position = /position (\d+)/.exec(message);
  const at = position ? Number(position[1]) : text.trimEnd().length;
  const before = text.slice(0, at).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
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
