import type { Detail } from "@/api/client";
import type { NodeType } from "@/api/queries";
import type { GraphNode } from "@/graph/model";

export type NodePanelProps = {
  node: GraphNode;
  type: NodeType | undefined;
  /** The problem that was clicked in the list; its field is shown. */
  problem: Detail | null;
  onClose: () => void;
};

/** The form of the node that is selected. */
export function NodePanel({ node }: NodePanelProps) {
  return <aside aria-label={node.name} className="w-95 shrink-0 border-l" />;
}
