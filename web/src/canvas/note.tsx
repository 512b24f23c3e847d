import { type NodeProps, NodeResizer } from "@xyflow/react";
import { memo } from "react";
import { cx } from "@/design/cx";

export type NoteData = {
  text: string;
  readOnly: boolean;
  onText?: (id: string, text: string) => void;
  onSize?: (id: string, size: { x: number; y: number; width: number; height: number }) => void;
};

/** A text on the canvas for people; it does nothing. */
export const NoteNode = memo(function NoteNode({
  id,
  data,
  selected,
}: NodeProps & { data: NoteData }) {
  return (
    <div
      className={cx(
        "size-full rounded-panel border bg-waiting/10 p-1",
        selected ? "border-accent" : "border-waiting/40",
      )}
    >
      <NodeResizer
        isVisible={selected && !data.readOnly}
        minWidth={120}
        minHeight={56}
        lineClassName="!border-transparent"
        onResizeEnd={(_, size) => data.onSize?.(id, size)}
      />
      <textarea
        aria-label="Note"
        placeholder="A note for whoever reads this"
        readOnly={data.readOnly}
        value={data.text}
        onChange={(event) => data.onText?.(id, event.target.value)}
        className="nodrag nowheel size-full resize-none bg-transparent px-1.5 py-1 text-table outline-none placeholder:text-muted"
      />
    </div>
  );
});
