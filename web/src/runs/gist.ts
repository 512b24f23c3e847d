/** What tells most about a run, on one line. */

import type { Run } from "@/api/queries";

type Gist = { text: string; tone: "bad" | "plain"; before?: string };

const LONGEST = 200;

export function brief(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** The error while there is one, what it answered once it is complete, else what it was given. */
export function gistOf(run: Run): Gist {
  if (run.error) {
    const { name, message, step } = run.error;
    const line = message.split("\n", 1)[0] ?? "";
    return { tone: "bad", before: step ?? undefined, text: line ? `${name}: ${line}` : name };
  }
  if (run.status === "complete") {
    return { tone: "plain", text: run.output === null ? "" : brief(run.output) };
  }
  return { tone: "plain", text: run.params === null ? "" : brief(run.params) };
}
