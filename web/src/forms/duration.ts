/** Durations as the language writes them: `10 seconds`. Pure. */

export const UNITS = ["second", "minute", "hour", "day", "week", "month", "year"] as const;
export type Unit = (typeof UNITS)[number];
export type Duration = { count: string; unit: Unit };

const FORM = /^(\d{0,12}(?:\.\d{0,6})?) (second|minute|hour|day|week|month|year)s?$/;

/** Null for what is no duration, as an expression. */
export function readDuration(text: string): Duration | null {
  const found = FORM.exec(text);
  return found ? { count: found[1] as string, unit: found[2] as Unit } : null;
}

export function writeDuration({ count, unit }: Duration): string {
  return `${count} ${unit}${count === "1" ? "" : "s"}`;
}
