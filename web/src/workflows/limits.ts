/** The form of a workflow's limits, and what the server takes for it. */

import type { Schemas } from "@/api/client";

type Limits = Schemas["LimitsShape"];

export type LimitsText = {
  concurrency: string;
  startsLimit: string;
  startsPeriod: string;
  completed: string;
  failed: string;
  most: string;
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

/** Why it can't be sent; the server knows the rest. */
export function wrongIn(text: LimitsText): string | undefined {
  for (const value of [text.concurrency, text.startsLimit, text.most]) {
    if (value.trim() !== "" && !/^[1-9]\d{0,9}$/.test(value.trim())) {
      return "Numbers are whole, and 1 or more.";
    }
  }
  if (Boolean(text.startsLimit.trim()) !== Boolean(text.startsPeriod.trim())) {
    return "Starts need both a number and a period.";
  }
  return undefined;
}
