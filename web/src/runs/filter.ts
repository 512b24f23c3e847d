/** What a list of runs is filtered by: as it stands in the address, and as the API is asked for it. */

import type { paths } from "@/api/schema";
import type { RunFilter } from "@/app/router";
import type { StateName } from "@/design/state";

export type RunQuery = NonNullable<paths["/api/workflows/{id}/runs"]["get"]["parameters"]["query"]>;
type Status = NonNullable<RunQuery["status"]>[number];
export type Trigger = NonNullable<RunQuery["trigger"]>[number];

export const STATUSES = [
  "queued",
  "running",
  "waiting",
  "paused",
  "complete",
  "errored",
  "terminated",
] as const satisfies readonly (Status & StateName)[];

export const TRIGGERS: Record<Trigger, string> = {
  manual: "Manual",
  api: "API",
  http: "HTTP",
  schedule: "Schedule",
  workflow: "Workflow",
};

export const SINCE: Record<string, { label: string; ms: number }> = {
  hour: { label: "Last hour", ms: 3_600_000 },
  day: { label: "Last day", ms: 86_400_000 },
  week: { label: "Last week", ms: 7 * 86_400_000 },
};

/** The words of a list in an address that are known; others are left out. */
function known<T extends string>(text: string | undefined, words: readonly T[]): T[] {
  const given = new Set((text ?? "").split(","));
  return words.filter((word) => given.has(word));
}

export function statusesOf(filter: RunFilter): Status[] {
  return known(filter.status, STATUSES);
}

/** The address with a status put in, or taken out. */
export function toggled(filter: RunFilter, status: Status): string | undefined {
  const now = new Set<Status>(statusesOf(filter));
  if (!now.delete(status)) now.add(status);
  return STATUSES.filter((one) => now.has(one)).join(",") || undefined;
}

/** From and to, in ISO 8601, of `hour`, or of two moments as `2026-11-01T00:00Z~2026-11-02T00:00Z`. */
export function spanOf(since: string | undefined, now: Date): { from?: string; to?: string } {
  if (!since) return {};
  const named = SINCE[since];
  if (named) return { from: new Date(now.getTime() - named.ms).toISOString() };
  const [from, to] = since.split("~").map((text) => new Date(text));
  return { from: moment(from), to: moment(to) };
}

function moment(date: Date | undefined): string | undefined {
  return date && !Number.isNaN(date.getTime()) ? date.toISOString() : undefined;
}

/** What the API is asked for. `now` is what "last hour" counts from. */
export function queryOf(filter: RunFilter, now: Date): RunQuery {
  const { from, to } = spanOf(filter.since, now);
  const status = statusesOf(filter);
  const trigger = known(filter.trigger, Object.keys(TRIGGERS) as Trigger[]);
  return {
    ...(status.length > 0 && { status }),
    ...(trigger.length > 0 && { trigger }),
    ...(filter.version && { versionId: filter.version }),
    ...(filter.deployment && { deploymentId: filter.deployment }),
    ...(from && { createdAfter: from }),
    ...(to && { createdBefore: to }),
    ...(filter.q && { text: filter.q.slice(0, 200) }),
  };
}

export function isFiltered(filter: RunFilter): boolean {
  return Object.values(filter).some((value) => value !== undefined);
}

/** The address of a list or its stream, below `/api`. */
export function runsAddress(workflow: string | undefined, query: RunQuery, end = ""): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one));
  }
  const base = workflow ? `/api/workflows/${encodeURIComponent(workflow)}/runs` : "/api/runs";
  const text = search.toString();
  return base + end + (text && `?${text}`);
}
