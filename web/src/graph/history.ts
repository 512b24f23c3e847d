/** Undo and redo over values that share what did not change. */

export type History<T> = { past: Entry<T>[]; future: Entry<T>[] };
type Entry<T> = { value: T; label: string };

const MOST = 200;

export function emptyHistory<T>(): History<T> {
  return { past: [], future: [] };
}

/**
 * Remembers the value before a change. Changes that follow each other with the same `merge` are one:
 * typing a name is undone at once, not letter by letter.
 */
export function remember<T>(
  history: History<T>,
  before: T,
  label: string,
  merged: boolean,
): History<T> {
  if (merged && history.past.length > 0) return { past: history.past, future: [] };
  return { past: [...history.past, { value: before, label }].slice(-MOST), future: [] };
}

export function undo<T>(
  history: History<T>,
  now: T,
): { history: History<T>; value: T; label: string } | null {
  const last = history.past.at(-1);
  if (!last) return null;
  return {
    history: {
      past: history.past.slice(0, -1),
      future: [...history.future, { value: now, label: last.label }],
    },
    value: last.value,
    label: last.label,
  };
}

export function redo<T>(
  history: History<T>,
  now: T,
): { history: History<T>; value: T; label: string } | null {
  const next = history.future.at(-1);
  if (!next) return null;
  return {
    history: {
      past: [...history.past, { value: now, label: next.label }],
      future: history.future.slice(0, -1),
    },
    value: next.value,
    label: next.label,
  };
}
