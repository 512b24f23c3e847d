import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import type { Run, Step } from "@/api/queries";
import { useCommands } from "@/design/commands";
import { ENDED } from "@/design/state";
import type { Graph } from "@/graph/model";
import { stepKey } from "./history";
import { groupsAround, keysOf, type Line, linesOf } from "./rows";
import { busySpans, foldsOf, makeScale } from "./scale";
import { useTicking } from "./use-ticking";
import { RunLine, WaterfallLine } from "./waterfall-line";
import { Axis, Ground, Pointer, widthsOf } from "./waterfall-time";

type WaterfallProps = {
  run: Run;
  steps: readonly Step[];
  graph: Graph | undefined;
  selected: string | undefined;
  onSelect: (key: string | undefined) => void;
  /** Idle time is drawn as long as it was. */
  real: boolean;
};

const LINE = 30;

/** Steps, attempts, sleeps and waits over time, a line each. */
export function Waterfall({ run, steps, graph, selected, onSelect, real }: WaterfallProps) {
  const live = !ENDED.has(run.status);
  const now = useTicking(live);
  const scroller = useRef<HTMLElement>(null);
  const pixels = useTimeWidth(scroller);

  const [opened, setOpened] = useState<ReadonlyMap<string, boolean>>(new Map());
  const lines = useMemo(() => linesOf(steps, graph, opened), [steps, graph, opened]);
  const toggle = (key: string, open: boolean) =>
    setOpened((before) => new Map(before).set(key, open));

  const scale = useScale(run, steps, now, real);
  const [unfolded, setUnfolded] = useState<ReadonlySet<number>>(new Set());
  // biome-ignore lint/correctness/useExhaustiveDependencies: folded anew, when that is asked for
  useEffect(() => setUnfolded(new Set()), [real]);
  const shownScale = useMemo(
    () =>
      makeScale(
        scale.span,
        scale.folds.filter((fold) => !unfolded.has(fold.from)),
      ),
    [scale, unfolded],
  );

  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE,
    getItemKey: (index) => (lines[index] as Line).key,
    overscan: 16,
    scrollMargin: HEAD,
    scrollPaddingStart: HEAD,
  });
  useSelection({
    lines,
    steps,
    graph,
    selected,
    onSelect,
    setOpened,
    show: (index) => virtual.scrollToIndex(index),
  });

  return (
    <section
      ref={scroller}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
      tabIndex={0}
      aria-label="Timeline"
      className="relative h-full overflow-auto outline-none [--names:clamp(128px,38%,300px)]"
    >
      <div className="sticky top-0 z-10 border-b bg-surface">
        <Axis
          scale={shownScale}
          start={scale.span.from}
          pixels={pixels}
          onUnfold={(from) => setUnfolded((before) => new Set(before).add(from))}
        />
        <RunLine
          run={run}
          scale={shownScale}
          now={now}
          selected={selected === undefined}
          onSelect={() => onSelect(undefined)}
        />
      </div>
      <div className="relative min-h-[calc(100%-59px)]" style={{ height: virtual.getTotalSize() }}>
        <span className="absolute inset-y-0 left-(--names) -ml-px w-px bg-line" />
        <Ground scale={shownScale} start={scale.span.from} pixels={pixels} />
        {steps.length === 0 && (
          <p className="absolute top-0 left-(--names) p-3 text-muted">
            {live ? "No step has begun yet." : "The run ended before any step."}
          </p>
        )}
        {virtual.getVirtualItems().map((item) => {
          const line = lines[item.index] as Line;
          return (
            <div
              key={item.key}
              className="absolute inset-x-0 top-0"
              style={{ height: LINE, transform: `translateY(${item.start - HEAD}px)` }}
            >
              <WaterfallLine
                line={line}
                scale={shownScale}
                now={now}
                selected={line.key === selected}
                onSelect={onSelect}
                onToggle={toggle}
              />
            </div>
          );
        })}
      </div>
      <Pointer scroller={scroller} scale={shownScale} start={scale.span.from} />
    </section>
  );
}

/** Axis and the line of the run, above the steps. */
const HEAD = 58;

/** The span of the run and its folds; the end moves while it is live. */
function useScale(run: Run, steps: readonly Step[], now: number, real: boolean) {
  const from = Date.parse(run.createdAt);
  const end = run.endedAt === null ? now : Date.parse(run.endedAt);
  const settled = useMemo(() => busySpans(steps, 0), [steps]);
  return useMemo(() => {
    const going = steps.some((step) => step.status === "running");
    const busy = going ? busySpans(steps, end) : settled;
    const span = { from, to: Math.max(end, from + 1, busy.at(-1)?.to ?? 0) };
    return { span, folds: real ? [] : foldsOf(span, busy) };
  }, [from, end, steps, settled, real]);
}

function useTimeWidth(scroller: React.RefObject<HTMLElement | null>): number {
  const [pixels, setPixels] = useState(600);
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const watch = new ResizeObserver(() => {
      setPixels(widthsOf(element.clientWidth).width);
    });
    watch.observe(element);
    return () => watch.disconnect();
  }, [scroller]);
  return pixels;
}

type SelectionOptions = {
  lines: readonly Line[];
  steps: readonly Step[];
  graph: Graph | undefined;
  selected: string | undefined;
  onSelect: (key: string | undefined) => void;
  setOpened: (change: (before: ReadonlyMap<string, boolean>) => Map<string, boolean>) => void;
  show: (index: number) => void;
};

/** Keeps the selected step in sight, and moves on by keys. */
function useSelection(options: SelectionOptions): void {
  const { lines, steps, graph, selected, onSelect, setOpened, show } = options;
  const latest = useRef(options);
  latest.current = options;
  const there = steps.some((step) => stepKey(step) === selected);

  // The groups around a step are opened once, when it is selected; they may be folded again then.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when another step is selected
  useEffect(() => {
    const step = steps.find((one) => stepKey(one) === selected);
    if (!step) return;
    const around = groupsAround(step, graph);
    if (around.length > 0 && !lines.some((line) => line.key === selected)) {
      setOpened((before) => new Map([...before, ...around.map((key) => [key, true] as const)]));
    }
    requestAnimationFrame(() => {
      const index = latest.current.lines.findIndex((line) => line.key === selected);
      if (index >= 0) show(index);
    });
  }, [selected, there, graph]);

  const go = (by: 1 | -1) => {
    // also those in folded groups, which open around the step that is selected
    const keys = keysOf(steps, graph);
    const at = selected === undefined ? -1 : keys.indexOf(selected);
    const next = at < 0 ? (by > 0 ? 0 : keys.length - 1) : at + by;
    onSelect(next < 0 ? undefined : keys[Math.min(next, keys.length - 1)]);
  };
  const failing = steps.filter((step) => step.status === "errored");
  useCommands([
    { id: "step-next", title: "Next step", group: "Run", keys: "J", run: () => go(1) },
    { id: "step-before", title: "Step before", group: "Run", keys: "K", run: () => go(-1) },
    {
      id: "step-failed",
      title: "Next failed step",
      group: "Run",
      keys: "N",
      disabled: failing.length === 0,
      run: () => {
        const at = failing.findIndex((step) => stepKey(step) === selected);
        const next = failing[(at + 1) % failing.length];
        if (next) onSelect(stepKey(next));
      },
    },
    {
      id: "step-none",
      title: "The run itself",
      group: "Run",
      keys: "Escape",
      disabled: selected === undefined,
      run: () => onSelect(undefined),
    },
  ]);
}
