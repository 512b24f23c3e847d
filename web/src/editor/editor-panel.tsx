import { PanelBottom, PanelRight, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { Panel } from "@/app/router";
import { IconButton } from "@/design/button";
import { cx } from "@/design/cx";
import { Tabs } from "@/design/tabs";
import { CodeTab } from "./code-tab";
import { EntryTab } from "./entry-tab";
import { GraphTab } from "./graph-tab";
import { PackagesTab } from "./packages-tab";
import { usePanelPlace, within } from "./panel-place";
import { ResizeHandle } from "./resize-handle";

type EditorPanelProps = {
  panel: Panel;
  onPanel: (panel: Panel) => void;
  onClose: () => void;
  /** Shows a node on the canvas. */
  onNode: (id: string) => void;
};

/** Entry, packages, compiled code and the graph as JSON. */
export function EditorPanel({ panel, onPanel, onClose, onNode }: EditorPanelProps) {
  const { dock, sizes, move, resize } = usePanelPlace();
  const box = useRef<HTMLElement>(null);
  const room = useRoom(box, dock === "below");
  const size = within(dock, sizes[dock], room);
  const other = dock === "below" ? "right" : "below";
  return (
    <section
      ref={box}
      aria-label="Editor"
      onKeyDown={(event) => {
        // Keys of the canvas: nothing on it goes while somebody is here.
        if (["Backspace", "Delete"].includes(event.key)) event.stopPropagation();
      }}
      style={dock === "below" ? { height: size } : { width: size }}
      className={cx(
        "relative flex shrink-0 flex-col bg-surface max-md:fixed! max-md:inset-0! max-md:z-20 max-md:h-auto! max-md:w-auto!",
        dock === "below" ? "border-t" : "border-l",
      )}
    >
      <ResizeHandle dock={dock} size={size} onResize={(next) => resize(within(dock, next, room))} />
      <Tabs<Panel>
        label="Editor"
        value={panel}
        onChange={onPanel}
        className="flex-1"
        aside={
          <div className="flex items-center">
            <span className="max-md:hidden">
              <IconButton
                icon={other === "right" ? PanelRight : PanelBottom}
                label={other === "right" ? "Dock at the right" : "Dock below"}
                size="small"
                side="left"
                onClick={() => move(other)}
              />
            </span>
            <IconButton
              icon={X}
              label="Close the panel"
              size="small"
              side="left"
              onClick={onClose}
            />
          </div>
        }
        tabs={[
          { value: "entry", label: "Entry", content: <EntryTab /> },
          { value: "packages", label: "Packages", content: <PackagesTab /> },
          { value: "code", label: "Code", content: <CodeTab onNode={onNode} /> },
          { value: "graph", label: "Graph", content: <GraphTab /> },
        ]}
      />
    </section>
  );
}

/** How much room panel and canvas have together, in pixels. */
function useRoom(box: React.RefObject<HTMLElement | null>, tall: boolean): number {
  const [room, setRoom] = useState(Number.POSITIVE_INFINITY);
  useEffect(() => {
    const around = box.current?.parentElement;
    if (!around) return;
    const measure = () => setRoom(tall ? around.clientHeight : around.clientWidth);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(around);
    return () => observer.disconnect();
  }, [box, tall]);
  return room;
}
