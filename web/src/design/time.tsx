import { useEffect, useState } from "react";
import { duration, exact, relative } from "./format";
import { Tooltip } from "./tooltip";

/** A clock that all texts on a page share, so that they tick together. */
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

export function useNow(active = true): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    if (!active) return;
    const tick = () => setNow(new Date());
    tick();
    listeners.add(tick);
    timer ??= setInterval(() => {
      for (const listener of listeners) listener();
    }, 1000);
    return () => {
      listeners.delete(tick);
      if (listeners.size === 0) {
        clearInterval(timer);
        timer = undefined;
      }
    };
  }, [active]);
  return now;
}

/** How long ago, or how far off; the exact moment when pointed at. `at` is ISO 8601. */
export function When({ at, className }: { at: string | null | undefined; className?: string }) {
  const now = useNow(Boolean(at));
  if (!at) return <span className="text-muted">–</span>;
  const moment = new Date(at);
  return (
    <Tooltip text={exact(moment)}>
      <time dateTime={at} className={className}>
        {relative(moment, now)}
      </time>
    </Tooltip>
  );
}

/** How long something took, or takes: it counts on while there is no end. */
export function Lasting({ from, to }: { from: string | null | undefined; to?: string | null }) {
  const now = useNow(Boolean(from) && !to);
  if (!from) return <span className="text-muted">–</span>;
  const end = to ? new Date(to) : now;
  return (
    <span className="font-mono whitespace-nowrap">
      {duration(end.getTime() - new Date(from).getTime())}
    </span>
  );
}
