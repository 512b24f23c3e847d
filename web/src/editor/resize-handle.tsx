import { useRef } from "react";
import { cx } from "@/design/cx";
import { type Dock, LEAST } from "./panel-place";

type ResizeHandleProps = {
  dock: Dock;
  size: number;
  onResize: (size: number) => void;
};

const STEP = 24;

/** The edge of the panel: dragged, or moved with the arrow keys. */
export function ResizeHandle({ dock, size, onResize }: ResizeHandleProps) {
  const from = useRef<{ at: number; size: number } | null>(null);
  const along = (event: React.PointerEvent) => (dock === "below" ? event.clientY : event.clientX);
  const [grow, shrink] = dock === "below" ? ["ArrowUp", "ArrowDown"] : ["ArrowLeft", "ArrowRight"];
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule can't be moved; this one can
    <div
      role="separator"
      tabIndex={0}
      aria-label="Size of the panel"
      aria-orientation={dock === "below" ? "horizontal" : "vertical"}
      aria-valuenow={Math.round(size)}
      aria-valuemin={LEAST[dock]}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        from.current = { at: along(event), size };
      }}
      onPointerMove={(event) => {
        if (from.current) onResize(from.current.size + from.current.at - along(event));
      }}
      onPointerUp={() => {
        from.current = null;
      }}
      onLostPointerCapture={() => {
        from.current = null;
      }}
      onKeyDown={(event) => {
        if (event.key !== grow && event.key !== shrink) return;
        event.preventDefault();
        onResize(size + (event.key === grow ? STEP : -STEP));
      }}
      className={cx(
        "absolute z-10 touch-none transition-colors duration-150 hover:bg-accent/40 active:bg-accent/60 max-md:hidden",
        dock === "below"
          ? "inset-x-0 -top-1 h-2 cursor-row-resize"
          : "inset-y-0 -left-1 w-2 cursor-col-resize",
      )}
    />
  );
}
