/** The drawing as JSON, exactly as it is saved, and what its shape means. Pure: no React, no I/O. */

export type Point = { x: number; y: number };

export type GraphNode = {
  id: string;
  type: string;
  name: string;
  position: Point;
  data: Record<string, unknown>;
  version?: string;
  provider?: string;
  config?: unknown;
};

export type GraphEdge = { id: string; source: string; target: string; label?: string };

/** A text on the canvas that is no part of the workflow. */
export type Note = { id: string; text: string; position: Point; width?: number; height?: number };

export type Trigger = { type: "manual" | "http" | "schedule" | "event"; [field: string]: unknown };

export type Graph = {
  kind: "workflow" | "script";
  metadata: { name: string; description?: string; [field: string]: unknown };
  nodes: GraphNode[];
  edges: GraphEdge[];
  entryNodeId: string;
  trigger?: Trigger;
  notes?: Note[];
  /** The whole source of a workflow that is written by hand; then there is nothing else to draw. */
  module?: string;
  className?: string;
};

export const NODE_WIDTH = 224;
export const NODE_HEIGHT = 56;
/** From the top of one node to the top of the next below it. */
export const PITCH = 112;
/** From the left of one arm to the left of the next. */
export const ARM_PITCH = 272;
export const GRID = 8;

/** The graph as the server takes it: a module stands alone. */
export function asJson(graph: Graph): Record<string, unknown> {
  if (graph.module === undefined) return { ...graph };
  const { nodes: _, edges: __, entryNodeId: ___, notes: ____, ...rest } = graph;
  return rest;
}

export function emptyGraph(name: string, kind: Graph["kind"] = "workflow"): Graph {
  return { kind, metadata: { name }, nodes: [], edges: [], entryNodeId: "" };
}

export function nodeOf(graph: Graph, id: string): GraphNode | undefined {
  return graph.nodes.find((node) => node.id === id);
}

const CONTAINERS = new Set(["branch", "parallel", "race", "loop", "try_catch"]);
export const THEN = "then";

export function isContainer(type: string): boolean {
  return CONTAINERS.has(type);
}

/** Containers whose arms are scopes of their own: what is in one stays in it. */
export function hasScopes(type: string): boolean {
  return isContainer(type) && type !== "branch";
}

export type Arm = { label: string; condition?: string; fixed: boolean };

/**
 * The ways out of a node by their labels, `then` last where it may have one. A node that is no
 * container has one way out, without a label: an empty list.
 */
export function armsOf(node: GraphNode, edges: readonly GraphEdge[]): Arm[] {
  switch (node.type) {
    case "branch":
      return [...branchesOf(node), { label: THEN, fixed: true }];
    case "parallel":
    case "race": {
      const labels = edges
        .filter((edge) => edge.source === node.id && edge.label && edge.label !== THEN)
        .map((edge) => edge.label as string);
      return [
        ...[...new Set(labels)].map((label) => ({ label, fixed: false })),
        { label: THEN, fixed: true },
      ];
    }
    case "loop":
      return ["body", THEN].map((label) => ({ label, fixed: true }));
    case "try_catch":
      return ["try", "catch", "finally", THEN].map((label) => ({ label, fixed: true }));
    default:
      return [];
  }
}

/** What a branch says of its arms; whatever else stands there is left to the validator. */
export function branchesOf(node: GraphNode): Arm[] {
  const branches = node.data.branches;
  if (!Array.isArray(branches)) return [];
  return branches.flatMap((branch) =>
    branch && typeof branch === "object" && typeof branch.label === "string"
      ? [{ label: branch.label, condition: String(branch.condition ?? ""), fixed: false }]
      : [],
  );
}

type Ways = { out: Map<string, GraphEdge[]>; into: Map<string, GraphEdge[]> };

/** The edges that leave and reach each node. */
export function waysOf(graph: Pick<Graph, "edges">): Ways {
  const out = new Map<string, GraphEdge[]>();
  const into = new Map<string, GraphEdge[]>();
  for (const edge of graph.edges) {
    push(out, edge.source, edge);
    push(into, edge.target, edge);
  }
  return { out, into };
}

function push(map: Map<string, GraphEdge[]>, key: string, edge: GraphEdge): void {
  const list = map.get(key);
  if (list) list.push(edge);
  else map.set(key, [edge]);
}

/** All nodes from which there is a way to `id`: what may have a value when it runs. */
export function upstreamOf(graph: Graph, id: string): GraphNode[] {
  const { into, out } = waysOf(graph);
  const scope = new Map(scopesOf(graph).map((one) => [`${one.container} ${one.label}`, one]));
  const found = new Set<string>();
  const left = [id];
  while (left.length > 0) {
    const at = left.pop() as string;
    for (const edge of into.get(at) ?? []) {
      if (!found.has(edge.source)) {
        found.add(edge.source);
        left.push(edge.source);
      }
      // What follows a container may read what its arms made.
      if (edge.label === THEN) {
        for (const arm of out.get(edge.source) ?? []) {
          for (const inner of scope.get(`${edge.source} ${arm.label}`)?.nodes ?? []) {
            if (inner !== id) found.add(inner);
          }
        }
      }
    }
  }
  found.delete(id);
  return graph.nodes.filter((node) => found.has(node.id));
}

type Scope = { container: string; label: string; nodes: string[] };

/**
 * The arms of all containers with the nodes that belong to them, inner containers' included. The
 * arms of a branch are not scopes where they meet: a node reached from two of them is in none.
 */
export function scopesOf(graph: Graph): Scope[] {
  const { out } = waysOf(graph);
  const found: Scope[] = [];
  for (const node of graph.nodes) {
    if (!isContainer(node.type)) continue;
    const arms = (out.get(node.id) ?? []).filter((edge) => edge.label && edge.label !== THEN);
    const reached = arms.map((edge) => ({ edge, nodes: reach(edge.target, node.id, out) }));
    const counted = new Map<string, number>();
    for (const arm of reached) {
      for (const id of arm.nodes) counted.set(id, (counted.get(id) ?? 0) + 1);
    }
    for (const { edge, nodes } of reached) {
      const own = node.type === "branch" ? nodes.filter((id) => counted.get(id) === 1) : nodes;
      if (own.length > 0)
        found.push({ container: node.id, label: edge.label as string, nodes: own });
    }
  }
  return found;
}

function reach(from: string, without: string, out: Map<string, GraphEdge[]>): string[] {
  const found = new Set<string>();
  const left = [from];
  while (left.length > 0) {
    const at = left.pop() as string;
    if (found.has(at) || at === without) continue;
    found.add(at);
    for (const edge of out.get(at) ?? []) left.push(edge.target);
  }
  return [...found];
}

/** The names an arm binds for the nodes in it: loop variables, `error`. */
export function boundAt(graph: Graph, id: string): string[] {
  const names: string[] = [];
  for (const scope of scopesOf(graph)) {
    if (!scope.nodes.includes(id)) continue;
    const container = nodeOf(graph, scope.container);
    if (container?.type === "loop" && scope.label === "body") {
      if (container.data.loopType !== "while") {
        if (container.data.loopType !== "times")
          names.push(String(container.data.itemVar ?? "item"));
        names.push(String(container.data.indexVar ?? "i"));
      }
    }
    if (container?.type === "try_catch" && scope.label === "catch") names.push("error");
  }
  return [...new Set(names)];
}
