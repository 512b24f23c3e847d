/** How numbers, times and ids read, everywhere. All durations are milliseconds. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const two = (value: number) => String(Math.floor(value)).padStart(2, "0");

/** `840 ms`, `1.2 s`, `3 m 04 s`, `2 h 05 m`, `4 d 03 h`. */
export function duration(ms: number): string {
  const length = Math.max(0, ms);
  if (length < SECOND) return `${Math.round(length)} ms`;
  if (length < 10 * SECOND) return `${(length / SECOND).toFixed(1)} s`;
  if (length < MINUTE) return `${Math.floor(length / SECOND)} s`;
  if (length < HOUR) return `${Math.floor(length / MINUTE)} m ${two((length % MINUTE) / SECOND)} s`;
  if (length < DAY) return `${Math.floor(length / HOUR)} h ${two((length % HOUR) / MINUTE)} m`;
  return `${Math.floor(length / DAY)} d ${two((length % DAY) / HOUR)} h`;
}

/** `now`, `5 s ago`, `in 3 m`, `2 h ago`, `4 d ago`; a date beyond 30 days. */
export function relative(at: Date, now: Date): string {
  const difference = at.getTime() - now.getTime();
  const length = Math.abs(difference);
  if (length < 2 * SECOND) return "now";
  if (length > 30 * DAY) return day(at);
  const [size, unit]: [number, string] =
    length < MINUTE
      ? [SECOND, "s"]
      : length < HOUR
        ? [MINUTE, "m"]
        : length < DAY
          ? [HOUR, "h"]
          : [DAY, "d"];
  // what was is told by what has passed; what comes by what is near: two days less a second are two
  return difference > 0
    ? `in ${Math.round(length / size)} ${unit}`
    : `${Math.floor(length / size)} ${unit} ago`;
}

/** `27 Nov 2026`, in the reader's zone. */
export function day(at: Date): string {
  return at.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}

/** `27 Nov 2026, 14:03:09.120`, in the reader's zone. */
export function exact(at: Date): string {
  const time = at.toLocaleTimeString("en-GB", { hour12: false });
  return `${day(at)}, ${time}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

/** An id short enough for a table, with its middle left out. */
export function shorten(id: string, ends = 6): string {
  return id.length <= 2 * ends + 1 ? id : `${id.slice(0, ends)}…${id.slice(-ends)}`;
}

/** `1 run`, `3 runs`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en-GB")} ${count === 1 ? one : many}`;
}

/** `312 B`, `4.2 kB`, `1.1 MB`. */
export function bytes(size: number): string {
  if (size < 1000) return `${size} B`;
  if (size < 1_000_000) return `${(size / 1000).toFixed(1)} kB`;
  return `${(size / 1_000_000).toFixed(1)} MB`;
}
