import { BaseEdge, EdgeLabelRenderer, type EdgeProps, getSmoothStepPath } from "@xyflow/react";
import { Plus } from "lucide-react";
import { memo } from "react";
import { cx } from "@/design/cx";

export type ArmData = { label?: string; taken?: boolean; onInsert?: (edge: string) => void };

/** An edge with its arm's label; a selected one offers to take a node in. */
export const ArmEdge = memo(function ArmEdge(props: EdgeProps & { data?: ArmData }) {
  const { id, sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition, selected, data } =
    props;
  const [path, labelX, labelY] = getSmoothStepPath({
    sourceX,
    sourceY,
    targetX,
    targetY,
    sourcePosition,
    targetPosition,
    borderRadius: 10,
  });
  const label = data?.label;
  // The label stands where its own arm has left the others: above its target.
  const x = label && Math.abs(targetX - sourceX) > 40 ? targetX : labelX;
  const y = label && Math.abs(targetX - sourceX) > 40 ? (labelY + targetY) / 2 - 4 : labelY;
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
            {label && (
              <span
                className={cx(
                  "max-w-40 truncate rounded-full border bg-surface px-1.5 text-small",
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
                className="flex size-5 items-center justify-center rounded-full border border-accent bg-surface text-accent hover:bg-accent-soft"
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
