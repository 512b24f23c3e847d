import "./waterfall.css";
import { FoldHorizontal } from "lucide-react";
import { type RefObject, useEffect, useRef } from "react";
import { duration } from "@/design/format";
import { Tooltip } from "@/design/tooltip";
import { type Scale, ticksOf } from "./scale";

/** The widths of names and of time, as the style sheet has them. */
export function widthsOf(whole: number): { names: number; width: number } {
  const names = Math.min(300, Math.max(128, whole * 0.38));
  return { names, width: Math.max(80, whole - names - 68) };
}

type AxisProps = {
  scale: Scale;
  /** Times are told after this moment. */
  start: number;
  pixels: number;
  onUnfold: (from: number) => void;
};

/** Time since the start, with a mark for each span that is folded; a click unfolds it. */
export function Axis({ scale, start, pixels, onUnfold }: AxisProps) {
  const folds = scale.segments.filter((segment) => segment.folded);
  const room = pixels * ((folds[0]?.x1 ?? 0) - (folds[0]?.x0 ?? 0));
  return (
    <div className="grid h-7 grid-cols-[var(--names)_1fr] text-muted text-small">
      <span className="border-r" />
      <span className="relative mr-17">
        {ticksOf(scale, start, pixels).map(({ x, after }) => (
          <span
            key={after}
            className="absolute top-0 flex h-full items-center border-l pl-1 font-mono whitespace-nowrap"
            style={{ left: `${x * 100}%` }}
          >
            {after === 0 ? "0" : duration(after)}
          </span>
        ))}
        {folds.map((fold) => (
          <Tooltip
            key={fold.from}
            text={`Nothing ran for ${duration(fold.to - fold.from)}: unfold`}
          >
            <button
              type="button"
              aria-label={`Unfold ${duration(fold.to - fold.from)} in which nothing ran`}
              onClick={() => onUnfold(fold.from)}
              className="absolute top-1 bottom-1 z-10 flex items-center justify-center overflow-hidden rounded-[4px] border border-line-strong bg-surface text-soft hover:border-accent hover:text-accent"
              style={{ left: `${fold.x0 * 100}%`, width: `${(fold.x1 - fold.x0) * 100}%` }}
            >
              {room > 40 ? (
                <span className="font-mono">{roughly(fold.to - fold.from)}</span>
              ) : (
                room > 16 && <FoldHorizontal size={12} />
              )}
            </button>
          </Tooltip>
        ))}
      </span>
    </div>
  );
}

/** Only the largest unit: `34 m`. */
function roughly(ms: number): string {
  return duration(ms).split(" ").slice(0, 2).join(" ");
}

/** Round moments and folds, all the way down behind the lines. */
export function Ground({ scale, start, pixels }: Omit<AxisProps, "onUnfold">) {
  return (
    <div className="pointer-events-none absolute inset-y-0 right-17 left-(--names)">
      {ticksOf(scale, start, pixels).map(({ x, after }) => (
        <span
          key={after}
          className="absolute inset-y-0 w-px bg-line/50"
          style={{ left: `${x * 100}%` }}
        />
      ))}
      {scale.segments
        .filter((segment) => segment.folded)
        .map((fold) => (
          <span
            key={fold.from}
            className="waterfall-fold absolute inset-y-0"
            style={{ left: `${fold.x0 * 100}%`, width: `${(fold.x1 - fold.x0) * 100}%` }}
          />
        ))}
    </div>
  );
}

type PointerProps = { scroller: RefObject<HTMLElement | null>; scale: Scale; start: number };

/** A line below the mouse, with the time there. Drawn without React: it follows every move. */
export function Pointer({ scroller, scale, start }: PointerProps) {
  const line = useRef<HTMLDivElement>(null);
  const latest = useRef({ scale, start });
  latest.current = { scale, start };
  useEffect(() => {
    const area = scroller.current;
    if (!area) return;
    const hide = () => {
      if (line.current) line.current.style.opacity = "0";
    };
    const move = (event: PointerEvent) => {
      const box = area.getBoundingClientRect();
      const { names, width } = widthsOf(area.clientWidth);
      const x = (event.clientX - box.left - names) / width;
      const mark = line.current;
      if (!mark || event.pointerType !== "mouse") return;
      if (x < 0 || x > 1) return hide();
      mark.style.opacity = "1";
      mark.style.transform = `translateX(${names + x * width}px)`;
      mark.style.height = `${area.scrollHeight}px`;
      const after = latest.current.scale.timeAt(x) - latest.current.start;
      mark.firstElementChild?.replaceChildren(duration(after));
    };
    area.addEventListener("pointermove", move);
    area.addEventListener("pointerleave", hide);
    return () => {
      area.removeEventListener("pointermove", move);
      area.removeEventListener("pointerleave", hide);
    };
  }, [scroller]);
  return (
    <div
      ref={line}
      aria-hidden
      className="pointer-events-none absolute top-0 left-0 z-20 w-px bg-accent/50 opacity-0"
    >
      <span className="sticky top-1 left-0 -ml-px block w-max rounded-[3px] bg-accent px-1 font-mono text-on-accent text-small" />
    </div>
  );
}
