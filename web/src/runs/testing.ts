/** Steps for tests: moments are milliseconds since 1970. */

import type { Attempt, Step } from "@/api/queries";

const iso = (ms: number) => new Date(ms).toISOString();

export function attempt(
  from: number,
  to: number | null,
  more: { error?: string; delay?: number; number?: number } = {},
): Attempt {
  return {
    number: more.number ?? 1,
    startedAt: iso(from),
    endedAt: to === null ? null : iso(to),
    delay: more.delay ?? null,
    error: more.error ? { name: "ValueError", message: more.error } : null,
    logs: [],
  };
}

type About = Partial<Omit<Step, "startedAt" | "endedAt">> & { from?: number; to?: number | null };

export function step(name: string, { from = 0, to, ...more }: About = {}): Step {
  const lasting = more.status === "running" || more.status === "waiting";
  const end = to === undefined ? (lasting ? null : from + 10) : to;
  return {
    name,
    count: 1,
    type: "do",
    status: "complete",
    nodeId: null,
    dueAt: null,
    eventType: null,
    output: null,
    error: null,
    attempts: more.type && more.type !== "do" ? [] : [attempt(from, end)],
    attemptsLeftOut: 0,
    startedAt: iso(from),
    endedAt: end === null ? null : iso(end),
    ...more,
  };
}
