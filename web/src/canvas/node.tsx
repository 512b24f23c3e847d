import { Handle, type NodeProps, Position } from "@xyflow/react";
import { Flag, Plus } from "lucide-react";
import { memo } from "react";
import type { NodeType } from "@/api/queries";
import { cx } from "@/design/cx";
import { duration, plural } from "@/design/format";
import { STATES, StateIcon, type StateName } from "@/design/state";
import type { GraphNode } from "@/graph/model";
import { summaryOf } from "@/graph/summary";
import { FAMILIES, familyOf, iconOf } from "./families";
import { useFar } from "./far";

/** What a run did with a node: painted on it. */
export type Painted = { state: StateName; attempts: number; ms: number | null; times: number };

export type StepData = {
  node: GraphNode;
  type?: NodeType;
  entry: boolean;
  errors: number;
  warnings: number;
  /** Labels of arms that lead nowhere yet. */
  open: string[];
  container: boolean;
  /** Whether it is a container with an arm that leads somewhere. */
  begun: boolean;
  readOnly: boolean;
  run?: Painted;
  onArm?: (node: string, label: string) => void;
};

const PORT =
  "!size-2.5 !min-w-0 !min-h-0 !border-2 !border-surface !bg-faint hover:!bg-accent !rounded-full";

/** From afar it only has its place: what is seen of it is painted with all others. */
export const StepNode = memo(function StepNode(props: NodeProps & { data: StepData }) {
  return useFar() ? <div className="h-14 w-56" /> : <Tile {...props} />;
}, sameNode);

/** A node of the canvas: 224 × 56, a tile in its family's colour, its name and what tells most. */
function Tile({ data, selected }: NodeProps & { data: StepData }) {
  const { node, type, run, open, errors, warnings, readOnly, container } = data;
  const Icon = iconOf(node.type, type);
  const summary = summaryOf(node, type?.summaryFields);
  return (
    <div
      className={cx(
        "group/node relative flex h-14 w-56 items-center gap-2.5 rounded-panel border bg-raised px-2.5 transition-[border-color] duration-150",
        selected
          ? "border-accent outline-2 outline-accent/30"
          : "border-line-strong hover:border-faint",
        run?.state === "cancelled" && "opacity-60",
      )}
      style={run ? { borderColor: STATES[run.state].colour } : undefined}
    >
      <Handle type="target" position={Position.Top} className={PORT} isConnectable={!readOnly} />
      {data.entry && (
        <span className="absolute -top-6 left-1/2 flex -translate-x-1/2 items-center gap-1 rounded-full border bg-raised px-2 text-small text-muted">
          <Flag size={10} /> Start
        </span>
      )}
      <span
        className={cx(
          "flex size-7 shrink-0 items-center justify-center rounded-control",
          FAMILIES[familyOf(node.type)].tile,
        )}
      >
        <Icon size={15} />
      </span>
      <span className="min-w-0 flex-1">
        <span className="block truncate font-medium leading-4.5">{node.name}</span>
        {summary && (
          <span className="block truncate font-mono text-muted text-small">{summary}</span>
        )}
      </span>
      {run && (
        <span className="flex shrink-0 flex-col items-end font-mono text-small text-muted">
          <StateIcon state={run.state} />
          <span>
            {run.attempts > 1 && `×${run.attempts} `}
            {run.ms !== null && duration(run.ms)}
          </span>
        </span>
      )}
      {(errors > 0 || warnings > 0) && !run && (
        <span
          role="img"
          aria-label={errors > 0 ? plural(errors, "error") : plural(warnings, "warning")}
          className={cx(
            "absolute -top-2 -right-2 flex h-5 min-w-5 items-center justify-center rounded-full px-1 font-semibold text-small text-surface",
            errors > 0 ? "bg-errored" : "bg-waiting",
          )}
        >
          {errors || warnings}
        </span>
      )}
      <Handle
        type="source"
        position={Position.Bottom}
        className={cx(PORT, container && !data.begun && "!opacity-0")}
        isConnectable={!readOnly}
      />
      {container && open.length > 0 && !readOnly && (
        <span
          className={cx(
            "nodrag absolute top-full left-1/2 flex -translate-x-1/2 gap-1 pt-1.5 transition-opacity duration-150",
            data.begun && !selected && "opacity-0 group-hover/node:opacity-100",
          )}
        >
          {open.map((label) => (
            <button
              key={label}
              type="button"
              tabIndex={-1}
              aria-label={`Add a node to ${label}`}
              onClick={(event) => {
                event.stopPropagation();
                data.onArm?.(node.id, label);
              }}
              className="relative flex h-5 items-center gap-0.5 rounded-full border border-dashed border-line-strong bg-raised px-1.5 text-small text-muted whitespace-nowrap hover:border-accent hover:text-accent"
            >
              <Plus size={10} />
              {label}
              <Handle
                id={label}
                type="source"
                position={Position.Bottom}
                className="!inset-x-0 !bottom-0 !h-2 !w-full !translate-x-0 !rounded-none !border-0 !bg-transparent"
              />
            </button>
          ))}
        </span>
      )}
    </div>
  );
}

function sameNode(a: NodeProps & { data: StepData }, b: NodeProps & { data: StepData }): boolean {
  return a.data === b.data && a.selected === b.selected;
}
