import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowUp, CloudOff, WifiOff } from "lucide-react";
import { type ReactNode, useCallback, useEffect, useMemo, useRef } from "react";
import { usePresence } from "@/api/presence";
import type { Run } from "@/api/queries";
import { Button } from "@/design/button";
import { useCommands } from "@/design/commands";
import { SkeletonRows } from "@/design/empty";
import { Checkbox } from "@/design/field";
import { plural } from "@/design/format";
import { Problem } from "@/design/problem";
import { keyOf } from "./feed";
import { useNarrow } from "./narrow";
import { type Columns, gridOf, RunRow } from "./run-row";
import type { Runs } from "./use-runs";

export type Selection = {
  ids: ReadonlySet<string>;
  set: (ids: ReadonlySet<string>) => void;
};

type RunListProps = {
  runs: Runs;
  columns: Columns;
  /** Names of workflows by id. */
  workflows?: ReadonlyMap<string, string>;
  /** Numbers of versions by id. */
  versions?: ReadonlyMap<string, number>;
  selection?: Selection;
  empty: ReactNode;
};

/** So near to the end of what was read, the next page is. */
const AHEAD = 30;

/** Runs, newest first. What is being read does not move, whatever happens meanwhile. */
export function RunList(props: RunListProps) {
  const { runs, columns, workflows, versions, selection, empty } = props;
  const { feed, loading, paging, error, away, stream } = runs;
  const { rows, held, left, cursor } = feed;
  const scroller = useRef<HTMLDivElement>(null);
  const narrow = useNarrow();
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (narrow ? 60 : 37),
    getItemKey: (index) => keyOf(rows[index] as Run),
    overscan: 12,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: other sizes, when the width changes
  useEffect(() => virtual.measure(), [narrow]);

  const shown = virtual.getVirtualItems();
  const end = shown.at(-1)?.index ?? 0;
  const { more } = runs;
  // biome-ignore lint/correctness/useExhaustiveDependencies: an empty page changes the cursor alone
  useEffect(() => {
    if (!loading && cursor !== null && end >= rows.length - AHEAD) more();
  }, [end, rows.length, cursor, loading, paging]);

  const toTop = () => {
    scroller.current?.scrollTo({ top: 0 });
    runs.setSettled(true);
    runs.settleNow();
  };
  useRowKeys(rows, scroller, (index) => virtual.scrollToIndex(index), selection);

  if (error && rows.length === 0) {
    return (
      <div className="mx-auto max-w-140 p-6">
        <Problem error={error} />
      </div>
    );
  }
  if (loading) {
    return (
      <div className="relative h-full">
        <SkeletonRows rows={12} />
        {stream === "away" && <Away />}
      </div>
    );
  }
  const nothing = rows.length === 0 && held.length === 0 && cursor === null;
  return (
    <div className="relative h-full min-h-0">
      <section
        ref={scroller}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
        tabIndex={0}
        aria-label="Runs"
        onScroll={(event) => runs.setSettled(event.currentTarget.scrollTop < 8)}
        className="h-full overflow-auto outline-none [overflow-anchor:none]"
      >
        {nothing ? (
          empty
        ) : (
          <div style={{ "--columns": gridOf(columns) } as React.CSSProperties}>
            <Head columns={columns} rows={rows} selection={selection} />
            <ul className="relative" style={{ height: virtual.getTotalSize() }}>
              {shown.map((item) => {
                const run = rows[item.index] as Run;
                return (
                  <li
                    key={item.key}
                    aria-setsize={cursor === null ? rows.length : -1}
                    aria-posinset={item.index + 1}
                    data-run={keyOf(run)}
                    className="absolute inset-x-0 top-0"
                    style={{ height: item.size, transform: `translateY(${item.start}px)` }}
                  >
                    <Row
                      run={run}
                      columns={columns}
                      workflowName={workflows?.get(run.workflowId)}
                      version={versions?.get(run.versionId)}
                      left={left.has(keyOf(run))}
                      selection={selection}
                    />
                  </li>
                );
              })}
            </ul>
          </div>
        )}
        {cursor !== null && (
          <p className="px-6 py-3 text-muted" role="status">
            {rows.length === 0 ? "Looking through older runs…" : "Reading older runs…"}
          </p>
        )}
      </section>
      {held.length > 0 && (
        <Button
          look="primary"
          icon={ArrowUp}
          onClick={toTop}
          className="absolute top-11 left-1/2 z-20 -translate-x-1/2 rounded-full shadow-float animate-appear"
        >
          {plural(held.length, "new run")}
        </Button>
      )}
      {stream === "away" ? <Away /> : away && <Elsewhere />}
    </div>
  );
}

/** Some of the runs could not be read where they are. */
function Elsewhere() {
  return (
    <div
      role="status"
      className="absolute right-4 bottom-4 z-20 flex items-center gap-2 rounded-full border bg-surface px-3 py-1 text-muted text-table shadow-float animate-appear"
    >
      <CloudOff size={13} /> Some runs can't be read now and may be old or missing.
    </div>
  );
}

/** What is shown is not followed just now, though the server is there; it will be by itself. */
export function Away() {
  const { away } = usePresence();
  if (away) return null;
  return (
    <div
      role="status"
      className="absolute right-4 bottom-4 z-20 flex items-center gap-2 rounded-full border bg-surface px-3 py-1 text-table text-waiting shadow-float animate-appear"
    >
      <WifiOff size={13} /> Reconnecting…
    </div>
  );
}

type RowProps = Omit<React.ComponentProps<typeof RunRow>, "selected" | "onSelect"> & {
  selection?: Selection;
};

function Row({ selection, ...rest }: RowProps) {
  const id = rest.run.instanceId;
  const latest = useRef(selection);
  latest.current = selection;
  const onSelect = useCallback(
    (selected: boolean) => {
      const next = new Set(latest.current?.ids);
      if (selected) next.add(id);
      else next.delete(id);
      latest.current?.set(next);
    },
    [id],
  );
  return (
    <RunRow {...rest} selected={selection?.ids.has(id) ?? false} onSelect={selection && onSelect} />
  );
}

type HeadProps = { columns: Columns; rows: readonly Run[]; selection?: Selection };

function Head({ columns, rows, selection }: HeadProps) {
  const chosen = selection?.ids.size ?? 0;
  return (
    <div className="sticky top-0 z-10 max-md:hidden">
      <div className="grid h-8 grid-cols-(--columns) items-center gap-x-3 border-b bg-ground px-6 text-muted text-small">
        {columns.selection && (
          <div>
            <Checkbox
              label="Select all that are shown"
              checked={chosen === 0 ? false : chosen >= rows.length ? true : "indeterminate"}
              onChange={(all) =>
                selection?.set(new Set(all ? rows.map((run) => run.instanceId) : []))
              }
            />
          </div>
        )}
        <div>State</div>
        {columns.workflow && <div>Workflow</div>}
        <div>Instance</div>
        <div>Now, output or error</div>
        <div>Trigger</div>
        {columns.version && <div>Version</div>}
        <div>Started</div>
        <div className="text-right">Duration</div>
      </div>
    </div>
  );
}

/** `j` and `k` move between rows, `Enter` opens one (it is a link), `x` selects it. */
function useRowKeys(
  rows: readonly Run[],
  scroller: React.RefObject<HTMLDivElement | null>,
  show: (index: number) => void,
  selection: Selection | undefined,
): void {
  const at = useRef<string | null>(null);
  const places = useMemo(() => new Map(rows.map((run, index) => [keyOf(run), index])), [rows]);
  const focused = () =>
    document.activeElement?.closest<HTMLElement>("[data-run]")?.dataset.run ?? at.current;
  const go = (step: 1 | -1) => {
    const now = places.get(focused() ?? "");
    const next =
      now === undefined ? 0 : Math.min(Math.max(0, now + step), Math.max(0, rows.length - 1));
    const run = rows[next];
    if (!run) return;
    at.current = keyOf(run);
    show(next);
    requestAnimationFrame(() => {
      const row = scroller.current?.querySelector(`[data-run="${CSS.escape(keyOf(run))}"]`);
      row?.querySelector<HTMLElement>("a")?.focus({ preventScroll: true });
    });
  };
  useCommands([
    { id: "runs-next", title: "Next run", group: "Runs", keys: "J", run: () => go(1) },
    { id: "runs-before", title: "Run before", group: "Runs", keys: "K", run: () => go(-1) },
    ...(selection
      ? [
          {
            id: "runs-select",
            title: "Select the run",
            group: "Runs",
            keys: "X",
            run: () => {
              const run = rows[places.get(focused() ?? "") ?? -1];
              if (!run) return;
              const next = new Set(selection.ids);
              if (!next.delete(run.instanceId)) next.add(run.instanceId);
              selection.set(next);
            },
          },
        ]
      : []),
  ]);
}
