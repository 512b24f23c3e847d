import type { Panel } from "@/app/router";
import { Tooltip } from "@/design/tooltip";

const PANELS: readonly { panel: Panel; label: string; hint: string }[] = [
  { panel: "entry", label: "Entry", hint: "What a call of the Worker URL does" },
  { panel: "packages", label: "Packages", hint: "Python packages of the code" },
  { panel: "code", label: "Code", hint: "The module as compiled now" },
  { panel: "graph", label: "Graph", hint: "The drawing as JSON" },
];

/** The tabs of the editor panel while it is closed, at the bottom where it will open. */
export function PanelSwitch({ onPanel }: { onPanel: (panel: Panel) => void }) {
  return (
    <div
      role="toolbar"
      aria-label="Editor panel"
      className="flex h-9 shrink-0 items-center gap-1 border-t bg-surface px-2"
    >
      {PANELS.map(({ panel, label, hint }, index) => (
        <Tooltip key={panel} text={hint} keys={`Alt+${index + 1}`} side="top">
          <button
            type="button"
            onClick={() => onPanel(panel)}
            className="flex h-7 items-center rounded-control px-2 font-medium text-muted hover:bg-hover hover:text-ink"
          >
            {label}
          </button>
        </Tooltip>
      ))}
    </div>
  );
}
