/** Values of a form's fields inside `data`: what is the default anyway is not written down. */

import type { FormField } from "./schema";

type Data = Readonly<Record<string, unknown>>;

/** What holds for a field: what stands there, else its default. */
export function held(data: Data, field: FormField): unknown {
  const value = Object.hasOwn(data, field.name) ? data[field.name] : undefined;
  return value === undefined ? field.fallback : value;
}

/** What to write for a field: undefined takes it out of the data. */
export function written(field: FormField, value: unknown): unknown {
  if (value === undefined) return undefined;
  if (field.required) return value;
  return same(value, field.fallback) ? undefined : value;
}

/** A record with one field changed, without what is the default. */
export function withField(data: Data, field: FormField, value: unknown): Record<string, unknown> {
  const next: Record<string, unknown> = { ...data };
  const kept = written(field, value);
  if (kept === undefined) delete next[field.name];
  else next[field.name] = kept;
  return next;
}

/** A new record for these fields: what must be there, empty or its first choice. */
export function blank(fields: readonly FormField[]): Record<string, unknown> {
  const data: Record<string, unknown> = {};
  for (const { name, required, fallback, shape } of fields) {
    if (!required) continue;
    if (fallback !== undefined) data[name] = fallback;
    else if (shape.kind === "text") data[name] = shape.secret ? `{{env.${shape.secret}}}` : "";
    else if (shape.kind === "choice") data[name] = shape.choices[0];
    else if (shape.kind === "switch") data[name] = false;
    else if (shape.kind === "number") data[name] = shape.least ?? 0;
    else if (shape.kind === "list") data[name] = [];
    else if (shape.kind !== "json") data[name] = {};
  }
  return data;
}

/** Fields of the data that the node's type does not have. */
export function strangers(data: Data, fields: readonly FormField[]): string[] {
  const known = new Set(["output", ...fields.map((field) => field.name)]);
  return Object.keys(data).filter((name) => !known.has(name));
}

/** Whether two JSON values are equal. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  return JSON.stringify(a) === JSON.stringify(b);
}

const RETRY_NAMES = ["retryLimit", "retryDelay", "backoff", "timeout"];

/** `5 retries, 10 s, exponential · 10 min each`: what is set for attempts, in one line. */
export function retriesSaid(data: Data, fields: readonly FormField[]): string {
  const found = new Map(
    fields
      .filter((field) => RETRY_NAMES.includes(field.name))
      .map((field) => [field.name, String(held(data, field) ?? "")]),
  );
  const said: string[] = [];
  const limit = found.get("retryLimit");
  if (limit === "0") said.push("no retries");
  else if (limit !== undefined) {
    said.push(`${limit} ${limit === "1" ? "retry" : "retries"}`);
    const delay = found.get("retryDelay");
    if (delay) said.push(brief(delay));
    const backoff = found.get("backoff");
    if (backoff) said.push(backoff);
  }
  const timeout = found.get("timeout");
  return [said.join(", "), timeout ? `${brief(timeout)} each` : ""].filter(Boolean).join(" · ");
}

const UNITS: Record<string, string> = { second: "s", minute: "min", hour: "h", day: "d" };

function brief(duration: string): string {
  return duration.replace(/ (second|minute|hour|day)s?$/, (_, unit: string) => ` ${UNITS[unit]}`);
}
