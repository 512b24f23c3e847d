import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowRight, RotateCw } from "lucide-react";
import { memo } from "react";
import { api, must } from "@/api/client";
import type { Run } from "@/api/queries";
import { Id } from "@/design/copy";
import { cx } from "@/design/cx";
import { Checkbox } from "@/design/field";
import { State } from "@/design/state";
import { Lasting, When } from "@/design/time";
import { TRIGGERS } from "./filter";
import { gistOf } from "./gist";
import { StaleMark } from "./stale";
import { isLive } from "./verbs";

export type Columns = { selection: boolean; workflow: boolean; version: boolean };

/** Widths of the columns from 768 pixels on; below, a row has two lines. */
export function gridOf({ selection, workflow, version }: Columns): string {
  return [
    selection && "28px",
    "108px",
    workflow && "minmax(110px,200px)",
    "124px",
    "minmax(120px,1fr)",
    "78px",
    version && "56px",
    "76px",
    "84px",
  ]
    .filter(Boolean)
    .join(" ");
}

type RunRowProps = {
  run: Run;
  columns: Columns;
  workflowName?: string;
  version?: number;
  /** It is shown although the list does not hold it any more. */
  left: boolean;
  selected: boolean;
  onSelect?: (selected: boolean) => void;
};

const CELL = "min-w-0 truncate";

/** A run in a list. The whole row is its link; what else is in it lies above. */
export const RunRow = memo(function RunRow(props: RunRowProps) {
  const { run, columns, workflowName, version, left, selected, onSelect } = props;
  return (
    <div
      className={cx(
        "relative grid h-full items-center gap-x-3 border-b border-line/70 px-4 text-table max-md:grid-cols-[auto_1fr_auto] max-md:gap-y-0.5 max-md:py-2 md:grid-cols-(--columns) md:px-6",
        selected ? "bg-accent-soft" : "hover:bg-hover focus-within:bg-hover",
        left && "opacity-50",
      )}
    >
      {columns.selection && (
        <div className="relative z-10 max-md:hidden">
          <Checkbox
            label={`Select ${run.instanceId}`}
            checked={selected}
            onChange={(next) => onSelect?.(next)}
          />
        </div>
      )}
      <div>
        <Link
          to="/workflows/$id/runs/$run"
          params={{ id: run.workflowId, run: run.instanceId }}
          className="flex outline-none after:absolute after:inset-0 focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-accent"
        >
          <State state={run.status} />
        </Link>
      </div>
      {columns.workflow && (
        <div className={cx(CELL, "font-medium max-md:text-right")}>
          {workflowName ?? run.workflowId}
        </div>
      )}
      <div className={cx(CELL, columns.workflow && "max-md:order-last")}>
        <Id id={run.instanceId} className="relative z-10" />
        {run.epoch > 1 && (
          <span className="ml-1.5 inline-flex items-center gap-0.5 align-middle text-muted text-small">
            <RotateCw size={10} />
            {run.epoch - 1}
          </span>
        )}
      </div>
      <div
        className={cx(
          "flex min-w-0 items-center gap-3 max-md:order-last",
          !columns.workflow && "max-md:col-span-2",
        )}
      >
        <StaleMark run={run} />
        <div className={CELL}>
          {isLive(run) && !run.stale && !run.error && run.startedAt ? (
            <Now run={run} />
          ) : (
            <Gist run={run} />
          )}
        </div>
      </div>
      <div className={cx(CELL, "text-muted max-md:hidden")}>{TRIGGERS[run.trigger]}</div>
      {columns.version && (
        <div className={cx(CELL, "font-mono text-muted max-md:hidden")}>
          {version === undefined ? "–" : `v${version}`}
        </div>
      )}
      <div className="relative z-10 justify-self-start text-muted max-md:justify-self-end">
        <When at={run.startedAt ?? run.createdAt} />
      </div>
      <div className="text-right text-soft max-md:order-last">
        <Lasting from={run.startedAt} to={run.endedAt} />
      </div>
    </div>
  );
});

const FRESH = 4000;

/** The step that a live run is at. One with very many steps says what it was given instead. */
function Now({ run }: { run: Run }) {
  const { data } = useQuery({
    queryKey: ["workflows", run.workflowId, "runs", run.instanceId, "now", run.status, run.epoch],
    queryFn: () =>
      must(
        api.GET("/api/workflows/{id}/runs/{run}/steps", {
          params: { path: { id: run.workflowId, run: run.instanceId }, query: { limit: 100 } },
        }),
      ),
    staleTime: FRESH,
    refetchInterval: run.status === "running" ? FRESH : false,
  });
  const step = data?.nextCursor === null && data.data.findLast((one) => one.endedAt === null);
  if (!step) return <Gist run={run} />;
  return (
    <span className="flex min-w-0 gap-1.5">
      <span className="truncate">{step.name}</span>
      {step.eventType && !step.eventType.startsWith("child-") && (
        <code className="shrink-0 font-mono text-muted">{step.eventType}</code>
      )}
      {step.dueAt && (
        <span className="shrink-0 text-muted">
          {step.type === "sleep" ? "wakes" : "times out"} <When at={step.dueAt} />
        </span>
      )}
    </span>
  );
}

function Gist({ run }: { run: Run }) {
  const { text, tone, before } = gistOf(run);
  const retrying = tone === "bad" && run.nextAttemptAt && run.status === "waiting";
  return (
    <span
      title={text}
      className={cx("block truncate", tone === "bad" ? "text-errored" : "font-mono text-muted")}
    >
      {before && <span className="font-medium">{before} · </span>}
      {run.status === "complete" && text && (
        <ArrowRight size={11} className="mr-1 inline align-[-1px]" />
      )}
      {text}
      {retrying && (
        <span className="text-muted">
          {" "}
          · again <When at={run.nextAttemptAt} />
        </span>
      )}
    </span>
  );
}
