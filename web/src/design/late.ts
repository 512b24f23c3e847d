/**
 * Code that comes over the wire when it is first needed. A browser remembers that a module could not be
 * had and asks for it no more, so it is asked for by another address once the server is there; where a
 * new build has taken its place, the whole page is loaded anew.
 */

type World = {
  /** Resolves once the server is there. */
  there: () => Promise<void>;
  /** Whether there is such a file; null where nobody says. */
  has: (address: string) => Promise<boolean | null>;
  import: (address: string) => Promise<unknown>;
  /** Loads the page anew and does not return; throws where that can't be done or did not help. */
  anew: () => Promise<never>;
};

const TIMES = 3;
const MISSING = /dynamically imported module|importing a module script failed|unable to preload/i;

export class CodeMissing extends Error {
  constructor() {
    super("A part of the dashboard could not be loaded.");
    this.name = "CodeMissing";
  }
}

/** The module that `load` imports, which has `name`; however often the server is away meanwhile. */
export function arriving({ there, has, import: get, anew }: World) {
  return async <T extends object, K extends keyof T & string>(
    load: () => Promise<T>,
    name: K,
  ): Promise<Pick<T, K>> => {
    let address: string | undefined;
    try {
      return await load();
    } catch (error) {
      if (!isMissing(error)) throw error;
      address = /https?:\S+/.exec(error.message)?.[0];
    }
    await there();
    for (let time = 1; address && time <= TIMES; time++) {
      if ((await has(address)) === false) break;
      try {
        const found = (await get(`${address}?again=${time}`)) as T;
        if (name in found) return found;
        // what several files share has names of the build's own
        break;
      } catch (error) {
        if (!isMissing(error)) throw error;
        await there();
      }
    }
    return await anew();
  };
}

function isMissing(error: unknown): error is Error {
  return error instanceof Error && MISSING.test(error.message);
}

/** One that was loaded anew so shortly before is not helped by that, in milliseconds. */
const LATELY = 30_000;
/** As long as this, what is not kept yet may hold the page. */
const HELD = 15_000;
const LOOKS_EVERY = 250;
const RELOADED = "awaitstep.reloaded";

/** Whether something is here that would be lost: the page is asked as its browser asks it. */
function isHeld(): boolean {
  const asked = new Event("beforeunload", { cancelable: true });
  window.dispatchEvent(asked);
  return asked.defaultPrevented;
}

async function loadAnew(): Promise<never> {
  if (Date.now() - Number(sessionStorage.getItem(RELOADED)) < LATELY) throw new CodeMissing();
  for (let waited = 0; isHeld(); waited += LOOKS_EVERY) {
    if (waited > HELD) throw new CodeMissing();
    await new Promise((resolve) => setTimeout(resolve, LOOKS_EVERY));
  }
  sessionStorage.setItem(RELOADED, String(Date.now()));
  window.location.reload();
  return await new Promise(() => {});
}

let there: World["there"] = async () => {};
/** Called where the server is known, of which the design knows nothing. */
export function waitBy(wait: World["there"]): void {
  there = wait;
}

let reloading: Promise<never> | undefined;

export const arrive = arriving({
  there: () => there(),
  has: async (address) => {
    try {
      const { ok, status } = await fetch(address, { method: "HEAD", cache: "no-store" });
      return ok ? true : status === 404 ? false : null;
    } catch {
      return null;
    }
  },
  import: (address) => import(/* @vite-ignore */ address),
  anew: () => {
    // of several parts that are missing, one does it for all
    reloading ??= loadAnew().finally(() => {
      reloading = undefined;
    });
    return reloading;
  },
});
