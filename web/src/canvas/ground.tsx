import type { NodeProps } from "@xyflow/react";
import { memo } from "react";
import { type Graph, hasScopes, NODE_HEIGHT, NODE_WIDTH, nodeOf, scopesOf } from "@/graph/model";

export type GroundData = { label: string };

/** The soft ground that an arm's nodes stand on, so that a scope is seen. */
export const Ground = memo(function Ground(_: NodeProps & { data: GroundData }) {
  return <div className="pointer-events-none size-full rounded-panel bg-control/6" />;
});

type GroundBox = {
  id: string;
  label: string;
  x: number;
  y: number;
  width: number;
  height: number;
};

const MARGIN = 14;

/** The right border of what stands in the arms of each container: `then` leads around it. */
export function armsBox(graph: Graph): Map<string, number> {
  const right = new Map<string, number>();
  const at = new Map(graph.nodes.map((node) => [node.id, node.position.x + NODE_WIDTH]));
  for (const { container, nodes } of scopesOf(graph)) {
    for (const id of nodes) {
      right.set(container, Math.max(right.get(container) ?? -Infinity, at.get(id) ?? -Infinity));
    }
  }
  for (const [container, x] of right) {
    right.set(container, Math.max(x, at.get(container) ?? x) + 2 * MARGIN);
  }
  return right;
}

/** One box for each arm that is a scope, outer ones first. */
export function groundsOf(graph: Graph): GroundBox[] {
  const found: (GroundBox & { size: number })[] = [];
  const at = new Map(graph.nodes.map((node) => [node.id, node.position]));
  for (const { container, label, nodes } of scopesOf(graph)) {
    const owner = nodeOf(graph, container);
    if (!owner || !hasScopes(owner.type)) continue;
    const places = nodes.flatMap((id) => at.get(id) ?? []);
    if (places.length === 0) continue;
    const x = Math.min(...places.map((place) => place.x)) - MARGIN;
    const y = Math.min(...places.map((place) => place.y)) - MARGIN;
    const width = Math.max(...places.map((place) => place.x)) + NODE_WIDTH + MARGIN - x;
    const height = Math.max(...places.map((place) => place.y)) + NODE_HEIGHT + MARGIN - y;
    found.push({
      id: `ground ${container} ${label}`,
      label,
      x,
      y,
      width,
      height,
      size: nodes.length,
    });
  }
  return found.sort((a, b) => b.size - a.size);
}
