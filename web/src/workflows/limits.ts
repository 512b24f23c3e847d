/** The form of a workflow's limits, and what the server takes for it. */

import { ApiError, type Schemas } from "@/api/client";

type Limits = Schemas["LimitsShape"];

export type LimitsText = {
  concurrency: string;
  startsLimit: string;
  startsPeriod: string;
  completed: string;
  failed: string;
  most: string;
};

/** As the engine reads one; it may be longer than it takes. */
const DURATION =
  /^(?!0+(\.0+)?\D)\d{1,12}(\.\d{1,6})?\s*(second|minute|hour|day|week|month|year)s?$/;

const FIELDS: Record<string, keyof LimitsText> = {
  "limits.concurrency": "concurrency",
  "limits.starts.limit": "startsLimit",
  "limits.starts.period": "startsPeriod",
  "limits.retention.completed": "completed",
  "limits.retention.failed": "failed",
  "limits.retention.most": "most",
};

export function asText(limits: Limits | null): LimitsText {
  return {
    concurrency: String(limits?.concurrency ?? ""),
    startsLimit: String(limits?.starts?.limit ?? ""),
    startsPeriod: limits?.starts?.period ?? "",
    completed: limits?.retention?.completed ?? "",
    failed: limits?.retention?.failed ?? "",
    most: String(limits?.retention?.most ?? ""),
  };
}

/** What is to be sent: null where nothing is limited. What is left empty is no limit. */
export function asLimits(text: LimitsText): Schemas["LimitsBody"] | null {
  const starts =
    text.startsLimit.trim() || text.startsPeriod.trim()
      ? { limit: number(text.startsLimit), period: text.startsPeriod.trim() || null }
      : null;
  const retention = {
    completed: text.completed.trim() || null,
    failed: text.failed.trim() || null,
    most: number(text.most),
  };
  const keeps = Object.values(retention).some((value) => value !== null);
  const concurrency = number(text.concurrency);
  if (concurrency === null && starts === null && !keeps) return null;
  return { concurrency, starts, retention: keeps ? retention : null };
}

function number(text: string): number | null {
  return text.trim() === "" ? null : Number(text);
}

type Wrong = Partial<Record<keyof LimitsText, string>>;

/** What is wrong with each field; the server knows the rest. */
export function wrongIn(text: LimitsText): Wrong {
  const wrong: Wrong = {};
  for (const key of ["concurrency", "startsLimit", "most"] as const) {
    const value = text[key].trim();
    if (value !== "" && !/^[1-9]\d{0,9}$/.test(value)) wrong[key] = "A whole number, 1 or more.";
  }
  for (const key of ["startsPeriod", "completed", "failed"] as const) {
    const value = text[key].trim();
    if (value !== "" && !DURATION.test(value)) wrong[key] = "A duration, such as 30 days.";
  }
  const [limit, period] = [text.startsLimit.trim(), text.startsPeriod.trim()];
  if (limit && !period) wrong.startsPeriod = "It needs a period, too.";
  if (period && !limit) wrong.startsLimit = "It needs a number, too.";
  return wrong;
}

/** What the server found wrong, by the fields of the form that it is about. */
export function refusedIn(error: unknown): Wrong {
  const wrong: Wrong = {};
  if (!(error instanceof ApiError)) return wrong;
  for (const { path, message } of error.details) {
    const key = FIELDS[path];
    if (key) wrong[key] = message;
  }
  return wrong;
}
