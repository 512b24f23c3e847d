/** Whether the server can be reached at all. One failure is a doubt; it counts once it is confirmed. */

import { create } from "zustand";

type Presence = { away: boolean };
type Ask = () => Promise<boolean>;
type Wait = (milliseconds: number) => Promise<unknown>;

const FIRST_DELAY = 250;
const LONGEST_DELAY = 2000;
/** An answer that takes longer is none. */
const PATIENCE = 5000;

/** Asks again and again, ever more slowly, until the server answers. One asks, however many doubt. */
export function doubting(ask: Ask, wait: Wait, show: (now: Presence) => void) {
  let asking: Promise<void> | null = null;
  const untilThere = async () => {
    for (let delay = FIRST_DELAY; !(await ask()); delay = Math.min(LONGEST_DELAY, delay * 2)) {
      show({ away: true });
      await wait(delay);
    }
    show({ away: false });
    asking = null;
  };
  return (): Promise<void> => {
    asking ??= untilThere();
    return asking;
  };
}

/** Any answer will do that is not a proxy's word for nobody. */
async function answers(): Promise<boolean> {
  try {
    const { status } = await fetch("/api/health", { signal: AbortSignal.timeout(PATIENCE) });
    return status !== 502 && status !== 504;
  } catch {
    return false;
  }
}

export const usePresence = create<Presence>(() => ({ away: false }));

export const pause: Wait = (milliseconds) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Something failed as it does when nobody answers. Resolves once the server is there. */
export const doubt = doubting(answers, pause, (now) => {
  if (usePresence.getState().away !== now.away) usePresence.setState(now);
});
