/** Where on the canvas a node goes that is added. Pure. */

import {
  ARM_PITCH,
  armsOf,
  GRID,
  type Graph,
  type GraphEdge,
  type GraphNode,
  NODE_HEIGHT,
  NODE_WIDTH,
  nodeOf,
  PITCH,
  type Point,
  scopesOf,
  THEN,
  waysOf,
} from "./model";

export const snap = (value: number) => Math.round(value / GRID) * GRID;

/** Where a node without a place goes: below all others. */
export function below(graph: Graph): Point {
  const lowest = graph.nodes.reduce<GraphNode | null>(
    (low, node) => (!low || node.position.y > low.position.y ? node : low),
    null,
  );
  return lowest ? { x: lowest.position.x, y: lowest.position.y + PITCH } : { x: 0, y: 0 };
}

/** The nearest place below `at` that no other node covers. */
export function clear(graph: Graph, at: Point): Point {
  let place = at;
  while (isCovered(graph, place)) place = { x: place.x, y: place.y + PITCH };
  return place;
}

function isCovered(graph: Graph, point: Point): boolean {
  return graph.nodes.some(
    (node) =>
      Math.abs(node.position.x - point.x) < NODE_WIDTH + GRID &&
      Math.abs(node.position.y - point.y) < NODE_HEIGHT + GRID,
  );
}

/** Moves what lies at and below a line, in reach of `from`, down by one place. */
export function makeRoom(graph: Graph, from: string, line: number): GraphNode[] {
  const { out } = waysOf(graph);
  const reached = new Set<string>();
  const left = [from];
  while (left.length > 0) {
    const at = left.pop() as string;
    if (reached.has(at)) continue;
    reached.add(at);
    for (const edge of out.get(at) ?? []) left.push(edge.target);
  }
  return graph.nodes.map((node) =>
    reached.has(node.id) && node.position.y >= line
      ? { ...node, position: { x: node.position.x, y: node.position.y + PITCH } }
      : node,
  );
}

export function lowestBelow(graph: Graph, id: string): number {
  const { out } = waysOf(graph);
  let lowest = nodeOf(graph, id)?.position.y ?? 0;
  const seen = new Set<string>();
  const left = [id];
  while (left.length > 0) {
    const at = left.pop() as string;
    if (seen.has(at)) continue;
    seen.add(at);
    lowest = Math.max(lowest, nodeOf(graph, at)?.position.y ?? 0);
    for (const edge of out.get(at) ?? []) left.push(edge.target);
  }
  return lowest;
}

/**
 * Where an arm begins: in the row below its container, right of the arms before it and left of
 * those after it. Where others stand there, further out in the same row, never below another arm.
 */
export function underArm(graph: Graph, source: GraphNode, label: string): Point {
  const labels = armsOf(source, graph.edges).flatMap((arm) =>
    arm.label === THEN ? [] : [arm.label],
  );
  if (!labels.includes(label)) labels.push(label);
  const index = labels.indexOf(label);
  const aside = index - (labels.length - 1) / 2;
  const scopes = scopesOf(graph).filter((scope) => scope.container === source.id);
  const places = (some: string[]) =>
    scopes
      .filter((scope) => some.includes(scope.label))
      .flatMap((scope) => scope.nodes.flatMap((id) => nodeOf(graph, id)?.position.x ?? []));
  const before = places(labels.slice(0, index));
  const behind = places(labels.slice(index + 1));
  let x = source.position.x + aside * ARM_PITCH;
  if (before.length > 0) x = Math.max(x, Math.max(...before) + ARM_PITCH);
  else if (behind.length > 0) x = Math.min(x, Math.min(...behind) - ARM_PITCH);
  const y = source.position.y + PITCH;
  const out = before.length > 0 || aside >= 0 ? ARM_PITCH : -ARM_PITCH;
  x = snap(x);
  while (isCovered(graph, { x, y })) x += out;
  return { x, y };
}

/** Whether what an arm leads to belongs to it, and is not where arms meet. */
export function isInArm(graph: Graph, edge: GraphEdge): boolean {
  return scopesOf(graph).some(
    (scope) =>
      scope.container === edge.source &&
      scope.label === edge.label &&
      scope.nodes.includes(edge.target),
  );
}
