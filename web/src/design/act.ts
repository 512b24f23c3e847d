/** One act at a time, as a dialog's main button does it: whether it goes on, and how it failed. */

import { useMemo, useRef, useState } from "react";

export type Acting = { busy: boolean; error: unknown };
const IDLE: Acting = { busy: false, error: null };

/** Does what it is given unless an act goes on already; `show` is told what stands. */
export function oneAtATime(show: (now: Acting) => void, onError?: (error: unknown) => void) {
  let busy = false;
  return async (work: () => Promise<unknown>): Promise<void> => {
    if (busy) return;
    busy = true;
    show({ busy, error: null });
    let error: unknown = null;
    try {
      await work();
    } catch (problem) {
      if (onError) onError(problem);
      else error = problem;
    }
    busy = false;
    show({ busy, error });
  };
}

/**
 * `act` does one thing at a time; `busy` is for its button. What it throws is kept as `error`, or
 * told to `onError`, such as `failed`.
 */
export function useAct(onError?: (error: unknown) => void) {
  const [now, show] = useState(IDLE);
  const told = useRef(onError);
  told.current = onError;
  const act = useMemo(
    () => oneAtATime(show, told.current && ((error) => told.current?.(error))),
    [],
  );
  return { ...now, act, clear: () => show((before) => ({ ...before, error: null })) };
}
