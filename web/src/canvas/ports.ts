/** Where ways leave and reach a node. */

import { type NodeHandle, Position } from "@xyflow/react";
import {
  armsOf,
  type GraphEdge,
  type GraphNode,
  isContainer,
  NODE_HEIGHT,
  NODE_WIDTH,
  THEN,
} from "@/graph/model";

/** Where edges meet a node, told beforehand: nothing has to be measured to draw them. */
export const PORTS: NodeHandle[] = [
  { type: "target", position: Position.Top, x: NODE_WIDTH / 2, y: -6, width: 1, height: 1 },
  {
    type: "source",
    position: Position.Bottom,
    x: NODE_WIDTH / 2,
    y: NODE_HEIGHT,
    width: 1,
    height: 1,
  },
];

/** An arm that leads nowhere yet can be drawn from below its container. */
export function portOf(id: string): NodeHandle {
  return {
    id,
    type: "source",
    position: Position.Bottom,
    x: NODE_WIDTH / 2,
    y: NODE_HEIGHT + 24,
    width: 1,
    height: 1,
  };
}

/** Arms that can still be drawn; `then` only once another arm is there. */
export function openArms(node: GraphNode, edges: readonly GraphEdge[] | undefined): string[] {
  if (!isContainer(node.type)) return [];
  const mine = edges ?? [];
  const drawn = new Set(mine.map((edge) => edge.label));
  const open = armsOf(node, mine)
    .map((arm) => arm.label)
    .filter((label) => !drawn.has(label));
  if (node.type === "parallel" || node.type === "race") {
    let count = 1;
    while (drawn.has(`arm ${count}`)) count++;
    open.unshift(`arm ${count}`);
  }
  return mine.some((edge) => edge.label !== THEN) ? open : open.filter((label) => label !== THEN);
}
