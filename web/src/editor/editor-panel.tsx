import type { Panel } from "@/app/router";

export type EditorPanelProps = {
  panel: Panel;
  onPanel: (panel: Panel) => void;
  onClose: () => void;
  /** Shows a node on the canvas. */
  onNode: (id: string) => void;
};

/** Entry, packages, compiled code and the graph as JSON. */
export function EditorPanel({ panel }: EditorPanelProps) {
  return <section aria-label={panel} className="h-80 border-t" />;
}
