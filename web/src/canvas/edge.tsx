import { BaseEdge, EdgeLabelRenderer, type EdgeProps, getSmoothStepPath } from "@xyflow/react";
import { Plus } from "lucide-react";
import { memo } from "react";
import { cx } from "@/design/cx";
import { NODE_HEIGHT, NODE_WIDTH } from "@/graph/model";

export type ArmData = {
  label?: string;
  taken?: boolean;
  /** Where `then` goes down, beside what stands in the arms of its container. */
  around?: number;
  onInsert?: (edge: string) => void;
  /** Renames the arm, where its label is free. */
  onLabel?: (edge: string, label: string) => void;
};

const TURN = 10;

/** Out at the side of the container, down beside its arms, and in from above. */
function pathAround(
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  aside: number,
): [string, number, number] {
  const out = y0 - NODE_HEIGHT / 2;
  const from = x0 + NODE_WIDTH / 2;
  const line = y1 - 2 * TURN;
  const back = x1 < aside ? -1 : 1;
  const path = [
    `M ${from} ${out}`,
    `H ${aside - TURN}`,
    `Q ${aside} ${out} ${aside} ${out + TURN}`,
    `V ${line - TURN}`,
    `Q ${aside} ${line} ${aside + back * TURN} ${line}`,
    `H ${x1 - back * TURN}`,
    `Q ${x1} ${line} ${x1} ${line + TURN}`,
    `V ${y1}`,
  ].join(" ");
  return [path, aside, (out + line) / 2];
}

/** The label of an arm that may be called otherwise. */
function ArmName({ label, onLabel }: { label: string; onLabel: (label: string) => void }) {
  return (
    <input
      aria-label="Name of the arm"
      defaultValue={label}
      maxLength={256}
      onBlur={(event) => {
        onLabel(event.target.value);
        event.target.value = label;
      }}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Escape") event.currentTarget.value = label;
        if (event.key === "Enter" || event.key === "Escape") event.currentTarget.blur();
      }}
      className="field-sizing-content h-5 min-w-8 max-w-40 rounded-full border border-accent bg-raised px-1.5 text-accent text-small"
    />
  );
}

/** An edge with its arm's label; a selected one offers to take a node in. */
export const ArmEdge = memo(function ArmEdge(props: EdgeProps & { data?: ArmData }) {
  const { id, sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition, selected, data } =
    props;
  const aside = data?.around;
  const [path, labelX, labelY] =
    aside !== undefined && targetY > sourceY + 2 * TURN
      ? pathAround(sourceX, sourceY, targetX, targetY, aside)
      : getSmoothStepPath({
          sourceX,
          sourceY,
          targetX,
          targetY,
          sourcePosition,
          targetPosition,
          borderRadius: TURN,
        });
  const label = data?.label;
  // The label stands where its own arm has left the others: above its target.
  const apart = label && aside === undefined && Math.abs(targetX - sourceX) > 40;
  const x = apart ? targetX : labelX;
  const y = apart ? (labelY + targetY) / 2 - 4 : labelY;
  return (
    <>
      <BaseEdge
        id={id}
        path={path}
        interactionWidth={18}
        markerEnd={props.markerEnd}
        style={{
          stroke: selected || data?.taken ? "var(--accent)" : "var(--n-8)",
          strokeWidth: selected || data?.taken ? 2 : 1.25,
        }}
      />
      {(label || (selected && data?.onInsert)) && (
        <EdgeLabelRenderer>
          <div
            className="nodrag nopan pointer-events-auto absolute flex items-center gap-1"
            style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}
          >
            {label && data?.onLabel && selected && (
              <ArmName key={label} label={label} onLabel={(next) => data.onLabel?.(id, next)} />
            )}
            {label && !(data?.onLabel && selected) && (
              <span
                className={cx(
                  "max-w-40 truncate rounded-full border bg-raised px-1.5 text-small",
                  selected ? "border-accent text-accent" : "text-soft",
                )}
              >
                {label}
              </span>
            )}
            {selected && data?.onInsert && (
              <button
                type="button"
                aria-label="Insert a node here"
                onClick={() => data.onInsert?.(id)}
                className="flex size-5 items-center justify-center rounded-full border border-accent bg-raised text-accent hover:bg-accent-soft"
              >
                <Plus size={12} />
              </button>
            )}
          </div>
        </EdgeLabelRenderer>
      )}
    </>
  );
});
