/**
 * A list of runs that follows what happens. Pure.
 *
 * While somebody reads further down, nothing moves: new runs are held back, and those that the
 * filter finds no more stay until the list is settled.
 */

import type { Run } from "@/api/queries";

export type Feed = {
  /** Newest first. */
  rows: readonly Run[];
  /** New ones that are not shown yet, newest first. */
  held: readonly Run[];
  /** Keys of rows that are shown although they are gone. */
  left: ReadonlySet<string>;
  /** Where the next page begins; null when there is none. */
  cursor: string | null;
};

export const EMPTY: Feed = { rows: [], held: [], left: new Set(), cursor: null };

export function keyOf(run: Pick<Run, "workflowId" | "instanceId">): string {
  return `${run.workflowId} ${run.instanceId}`;
}

/** Newest first, as the API lists them; whole seconds have no fraction there. */
function order(a: Run, b: Run): number {
  if (a.createdAt !== b.createdAt) {
    const difference = Date.parse(b.createdAt) - Date.parse(a.createdAt);
    return difference || (a.createdAt < b.createdAt ? 1 : -1);
  }
  return a.instanceId < b.instanceId ? 1 : -1;
}

/** Both in order; of a run that is in both, what `more` says. */
function merged(rows: readonly Run[], more: readonly Run[]): readonly Run[] {
  if (more.length === 0) return rows;
  const fresh = [...more].sort(order);
  const known = new Set(fresh.map(keyOf));
  const all: Run[] = [];
  let next = 0;
  for (const run of rows) {
    if (known.has(keyOf(run))) continue;
    for (let one = fresh[next]; one && order(one, run) < 0; one = fresh[++next]) all.push(one);
    all.push(run);
  }
  return [...all, ...fresh.slice(next)];
}

/** The next page was read. */
export function paged(feed: Feed, runs: readonly Run[], cursor: string | null): Feed {
  const known = new Set(feed.rows.map(keyOf));
  const held = new Set(feed.held.map(keyOf));
  const fresh = runs.filter((run) => !known.has(keyOf(run)) && !held.has(keyOf(run)));
  return { ...feed, rows: [...feed.rows, ...fresh], cursor };
}

/**
 * The list was read anew from its start: after a break, or when too much changed to be told.
 * `runs` are all of it as far as `cursor`. What is shown below them stays.
 */
export function reread(
  feed: Feed,
  runs: readonly Run[],
  cursor: string | null,
  settled: boolean,
): Feed {
  if (settled || feed.rows.length === 0) return { ...EMPTY, rows: runs, cursor };
  const found = new Set(runs.map(keyOf));
  const last = runs.at(-1);
  const beyond = (run: Run) => cursor !== null && last !== undefined && order(run, last) > 0;
  const gone = feed.rows.filter((run) => !found.has(keyOf(run)) && !beyond(run)).map(keyOf);
  const keeps = feed.rows.some(beyond);
  return told({ ...feed, left: new Set(gone), cursor: keeps ? feed.cursor : cursor }, runs, false);
}

/** Runs are new or have changed. `settled` when the list may move. */
export function told(feed: Feed, runs: readonly Run[], settled: boolean): Feed {
  const shown = new Map(feed.rows.map((run, index) => [keyOf(run), index]));
  const last = feed.rows.at(-1);
  const rows = [...feed.rows];
  const left = new Set(feed.left);
  const fresh: Run[] = [];
  for (const run of runs) {
    const key = keyOf(run);
    const index = shown.get(key);
    if (index !== undefined) {
      rows[index] = run;
      left.delete(key);
    } else if (feed.cursor === null || !last || order(run, last) < 0) {
      // An older one is on a page that was not read yet.
      fresh.push(run);
    }
  }
  const next = { ...feed, rows, left, held: merged(feed.held, fresh) };
  return settled ? settle(next) : next;
}

/** A run was deleted, or the filter finds it no more. */
export function gone(feed: Feed, keys: readonly string[], settled: boolean): Feed {
  const lost = new Set(keys);
  const held = feed.held.filter((run) => !lost.has(keyOf(run)));
  const left = new Set(feed.left);
  for (const run of feed.rows) if (lost.has(keyOf(run))) left.add(keyOf(run));
  const next = { ...feed, held, left };
  return settled ? settle(next) : next;
}

/** What was held back is shown, and what is gone is not. */
export function settle(feed: Feed): Feed {
  if (feed.held.length === 0 && feed.left.size === 0) return feed;
  const rows = feed.rows.filter((run) => !feed.left.has(keyOf(run)));
  return { ...feed, rows: merged(rows, feed.held), held: [], left: new Set() };
}
