import { useMemo } from "react";
import { familyOf } from "@/canvas/families";
import { type Graph, NODE_HEIGHT, NODE_WIDTH } from "@/graph/model";
import type { GraphDiff } from "./graph-diff";

const MARGIN = 24;

/** Names in a picture that is scaled down beyond this would be specks. */
const TALLEST_READ = 700;

type ThumbnailProps = {
  graph: Graph;
  large?: boolean;
  diff?: GraphDiff | null;
  className?: string;
};

/** A small picture of a graph: its nodes in the colours of their families, where they stand. */
export function Thumbnail({ graph, large, diff, className }: ThumbnailProps) {
  const nodes = graph.nodes;
  const at = useMemo(() => new Map(nodes.map((node) => [node.id, node.position])), [nodes]);
  if (nodes.length === 0) return null;
  const left = Math.min(...nodes.map((node) => node.position.x)) - MARGIN;
  const top = Math.min(...nodes.map((node) => node.position.y)) - MARGIN;
  const right = Math.max(...nodes.map((node) => node.position.x)) + NODE_WIDTH + MARGIN;
  const bottom = Math.max(...nodes.map((node) => node.position.y)) + NODE_HEIGHT + MARGIN;
  // A few nodes in a large frame are not blown up beyond their size on the canvas.
  const width = Math.max(right - left, 3 * NODE_WIDTH);
  const height = Math.max(bottom - top, 5 * NODE_HEIGHT);
  const box = `${(left + right - width) / 2} ${(top + bottom - height) / 2} ${width} ${height}`;
  const readable = large || height <= TALLEST_READ;
  const kinds = new Map(diff?.nodes.map((change) => [change.node.id, change.kind]));
  return (
    <svg
      role="img"
      aria-label={`A picture of the graph: ${nodes.length} ${nodes.length === 1 ? "node" : "nodes"}`}
      viewBox={box}
      preserveAspectRatio="xMidYMid meet"
      className={className}
    >
      {graph.edges.map((edge) => {
        const from = at.get(edge.source);
        const to = at.get(edge.target);
        if (!from || !to) return null;
        const x = from.x + NODE_WIDTH / 2;
        const y = from.y + NODE_HEIGHT;
        const toX = to.x + NODE_WIDTH / 2;
        const bend = Math.max(24, (to.y - y) / 2);
        return (
          <path
            key={edge.id}
            d={`M ${x} ${y} C ${x} ${y + bend}, ${toX} ${to.y - bend}, ${toX} ${to.y}`}
            fill="none"
            stroke="var(--n-8)"
            strokeWidth={3}
          />
        );
      })}
      {nodes.map((node) => {
        const kind = kinds.get(node.id);
        const { x, y } = node.position;
        return (
          <g key={node.id}>
            <rect
              x={x}
              y={y}
              width={NODE_WIDTH}
              height={NODE_HEIGHT}
              rx={10}
              fill="var(--n-1)"
              stroke={kind ? OUTLINES[kind] : "var(--n-7)"}
              strokeWidth={kind ? 5 : 2}
            />
            <rect
              x={x + 14}
              y={y + 14}
              width={28}
              height={28}
              rx={6}
              fill={`var(--${familyOf(node.type)})`}
            />
            {readable ? (
              <text x={x + 54} y={y + 34} fontSize={18} fill="var(--n-12)">
                {node.name.length > 17 ? `${node.name.slice(0, 16)}…` : node.name}
              </text>
            ) : (
              <rect x={x + 54} y={y + 23} width={110} height={10} rx={5} fill="var(--n-7)" />
            )}
          </g>
        );
      })}
    </svg>
  );
}

const OUTLINES = {
  added: "var(--complete)",
  changed: "var(--running)",
  removed: "var(--errored)",
} as const;
