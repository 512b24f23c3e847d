/** A payload as it is typed: JSON, or nothing. Pure. */

import type { CodeProblem } from "@/design/code-mirror";
import { faultOf } from "@/forms/json-place";
import { type FormField, fieldsOf } from "@/forms/schema";

/** What the server reads of a body, which holds the payload. */
const DEEPEST = 199;

export type Payload = { value: unknown; given: boolean; problem: CodeProblem | null };

/** Nothing is no payload. What is no JSON has a problem, with its place. */
export function readPayload(text: string): Payload {
  if (text.trim() === "") return { value: undefined, given: false, problem: null };
  const fault = faultOf(text, DEEPEST);
  if (fault) {
    return { value: undefined, given: true, problem: { ...fault, severity: "error" } };
  }
  return { value: JSON.parse(text) as unknown, given: true, problem: null };
}

export function writePayload(value: unknown): string {
  return JSON.stringify(value, null, 2) ?? "";
}

/** The fields of a payload whose schema is that of an object; none for any other. */
export function payloadFields(schema: unknown): FormField[] {
  if (typeof schema !== "object" || schema === null) return [];
  return fieldsOf(schema as Record<string, unknown>);
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
