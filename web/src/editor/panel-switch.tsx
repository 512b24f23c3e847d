import { Braces, Code2, DoorOpen, type LucideIcon, Package } from "lucide-react";
import type { Panel } from "@/app/router";
import { Tooltip } from "@/design/tooltip";

const PANELS: readonly { panel: Panel; label: string; icon: LucideIcon; hint: string }[] = [
  { panel: "entry", label: "Entry", icon: DoorOpen, hint: "What a call of the Worker URL does" },
  { panel: "packages", label: "Packages", icon: Package, hint: "Python packages of the code" },
  { panel: "code", label: "Code", icon: Code2, hint: "The module as compiled now" },
  { panel: "graph", label: "Graph", icon: Braces, hint: "The drawing as JSON" },
];

/** Opens the editor panel, while it is closed. */
export function PanelSwitch({ onPanel }: { onPanel: (panel: Panel) => void }) {
  return (
    <div
      role="toolbar"
      aria-label="Editor panel"
      className="absolute top-3 right-3 z-10 flex rounded-panel border bg-raised p-1 max-sm:top-auto max-sm:bottom-3"
    >
      {PANELS.map(({ panel, label, icon: Icon, hint }, index) => (
        <Tooltip key={panel} text={hint} keys={`Alt+${index + 1}`}>
          <button
            type="button"
            onClick={() => onPanel(panel)}
            className="flex h-7 items-center gap-1.5 rounded-control px-2 font-medium text-soft text-table hover:bg-hover hover:text-ink"
          >
            <Icon size={14} className="text-muted" />
            <span className="max-lg:sr-only">{label}</span>
          </button>
        </Tooltip>
      ))}
    </div>
  );
}
