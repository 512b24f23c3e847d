/** Every change to a drawing: a graph goes in, a new one comes out, what did not change is shared. */

import {
  armsOf,
  branchesOf,
  GRID,
  type Graph,
  type GraphEdge,
  type GraphNode,
  isContainer,
  nodeOf,
  PITCH,
  type Point,
  THEN,
  type Trigger,
  waysOf,
} from "./model";
import { canBeId, idFrom } from "./names";
import { withNotes } from "./notes";
import { below, clear, isInArm, lowestBelow, makeRoom, snap, underArm } from "./placing";

export type NodeKind = { type: string; title: string; data: Record<string, unknown> };

/** Where a new node goes: free on the canvas, after a node (by an arm), or into an edge. */
export type Place = { at: Point } | { after: string; label?: string } | { edge: string };

export function idsOf(graph: Graph): Set<string> {
  return new Set(graph.nodes.map((node) => node.id));
}

function newEdgeId(graph: Graph): string {
  const taken = new Set(graph.edges.map((edge) => edge.id));
  for (let count = graph.edges.length + 1; ; count++) {
    if (!taken.has(`e${count}`)) return `e${count}`;
  }
}

function withNodes(graph: Graph, nodes: GraphNode[]): Graph {
  return { ...graph, nodes };
}

function change(graph: Graph, id: string, edit: (node: GraphNode) => GraphNode): Graph {
  return withNodes(
    graph,
    graph.nodes.map((node) => (node.id === id ? edit(node) : node)),
  );
}

export function addNode(graph: Graph, kind: NodeKind, place: Place): { graph: Graph; id: string } {
  const id = idFrom(kind.title, idsOf(graph));
  const name = uniqueName(graph, kind.title);
  const made = {
    id,
    type: kind.type,
    name,
    data: structuredClone(kind.data),
    position: { x: 0, y: 0 },
  };
  if ("edge" in place) {
    const edge = graph.edges.find((one) => one.id === place.edge);
    if (edge) return { graph: insert(graph, made, edge), id };
  }
  if ("after" in place && nodeOf(graph, place.after)) {
    return { graph: append(graph, made, place.after, place.label), id };
  }
  const at = "at" in place ? place.at : below(graph);
  const node = { ...made, position: clear(graph, { x: snap(at.x), y: snap(at.y) }) };
  const next = withNodes(graph, [...graph.nodes, node]);
  return { graph: next.entryNodeId ? next : { ...next, entryNodeId: id }, id };
}

function uniqueName(graph: Graph, title: string): string {
  const taken = new Set(graph.nodes.map((node) => node.name));
  if (!taken.has(title)) return title;
  for (let count = 2; ; count++) if (!taken.has(`${title} ${count}`)) return `${title} ${count}`;
}

function insert(graph: Graph, node: GraphNode, edge: GraphEdge): Graph {
  const target = nodeOf(graph, edge.target);
  const source = nodeOf(graph, edge.source);
  const at = target?.position ?? { x: 0, y: 0 };
  const tight = !source || !target || target.position.y - source.position.y < 2 * PITCH - GRID;
  const nodes = tight && target ? makeRoom(graph, target.id, target.position.y) : graph.nodes;
  const leaves = source && edge.label && edge.label !== THEN && !isInArm(graph, edge);
  const between = { x: at.x, y: snap((at.y + (source?.position.y ?? 0)) / 2) };
  const placed: GraphNode = {
    ...node,
    position: leaves
      ? underArm({ ...graph, nodes }, source, edge.label as string)
      : tight
        ? at
        : between,
  };
  const onward = isContainer(node.type) ? THEN : undefined;
  const edges = graph.edges.map((one) => (one.id === edge.id ? { ...one, target: node.id } : one));
  const next: Graph = { ...graph, nodes: [...nodes, placed], edges };
  return { ...next, edges: [...edges, edgeFrom(next, node.id, edge.target, onward)] };
}

function append(graph: Graph, node: GraphNode, after: string, label: string | undefined): Graph {
  const source = nodeOf(graph, after) as GraphNode;
  const way = label ?? freeArm(graph, source);
  const there = graph.edges.find((edge) => edge.source === after && edge.label === way);
  if (there) return insert(graph, node, there);
  const lowest = way === THEN ? lowestBelow(graph, after) : source.position.y;
  const position =
    way === undefined || way === THEN
      ? clear(graph, { x: snap(source.position.x), y: lowest + PITCH })
      : underArm(graph, source, way);
  const next = withNodes(graph, [...graph.nodes, { ...node, position }]);
  return { ...next, edges: [...next.edges, edgeFrom(next, after, node.id, way)] };
}

/** The first arm of a container that leads nowhere yet; a new label where labels are free. */
function freeArm(graph: Graph, node: GraphNode): string | undefined {
  if (!isContainer(node.type)) return undefined;
  const used = new Set(
    graph.edges.filter((edge) => edge.source === node.id).map((edge) => edge.label),
  );
  if (node.type === "parallel" || node.type === "race") {
    for (let count = 1; ; count++) if (!used.has(`arm ${count}`)) return `arm ${count}`;
  }
  const arms = armsOf(node, graph.edges);
  return arms.find((arm) => !used.has(arm.label))?.label ?? THEN;
}

function edgeFrom(graph: Graph, source: string, target: string, label?: string): GraphEdge {
  const id = newEdgeId(graph);
  return label ? { id, source, target, label } : { id, source, target };
}

/** Connects two nodes; an edge that already leaves by that way is led elsewhere. */
export function connect(graph: Graph, source: string, target: string, label?: string): Graph {
  const from = nodeOf(graph, source);
  if (!from || !nodeOf(graph, target) || source === target) return graph;
  const way = isContainer(from.type) ? (label ?? freeArm(graph, from)) : undefined;
  const there = graph.edges.find((edge) => edge.source === source && edge.label === way);
  if (there?.target === target) return graph;
  if (there) {
    const edges = graph.edges.map((edge) => (edge.id === there.id ? { ...edge, target } : edge));
    return { ...graph, edges };
  }
  return { ...graph, edges: [...graph.edges, edgeFrom(graph, source, target, way)] };
}

/** Another label for an arm; one that its container has already, or none, changes nothing. */
export function relabel(graph: Graph, id: string, label: string): Graph {
  const edge = graph.edges.find((one) => one.id === id);
  const next = label.trim();
  const taken = graph.edges.some((one) => one.source === edge?.source && one.label === next);
  if (!edge || next === "" || taken) return graph;
  const edges = graph.edges.map((one) => (one === edge ? { ...one, label: next } : one));
  return { ...graph, edges };
}

/** Takes nodes, edges and notes away; where one way led through a node, it leads on past it. */
export function remove(graph: Graph, ids: ReadonlySet<string>): Graph {
  const { out, into } = waysOf(graph);
  const onward = (edge: GraphEdge): string | null => {
    const seen = new Set<string>();
    let at = edge.target;
    while (ids.has(at)) {
      const node = nodeOf(graph, at);
      const ways = out.get(at) ?? [];
      const next =
        node && isContainer(node.type) ? ways.find((one) => one.label === THEN) : ways[0];
      if (seen.has(at) || !next || ids.has(next.id)) return null;
      seen.add(at);
      at = next.target;
    }
    return at;
  };
  const edges = graph.edges.flatMap((edge) => {
    if (ids.has(edge.id) || ids.has(edge.source)) return [];
    if (!ids.has(edge.target)) return [edge];
    const target = onward(edge);
    return target && target !== edge.source ? [{ ...edge, target }] : [];
  });
  const nodes = graph.nodes.filter((node) => !ids.has(node.id));
  let entry = graph.entryNodeId;
  while (ids.has(entry)) {
    const next: string | undefined = (out.get(entry) ?? [])[0]?.target;
    if (!next || next === entry) break;
    entry = next;
  }
  if (ids.has(entry)) entry = nodes.find((node) => !into.has(node.id))?.id ?? nodes[0]?.id ?? "";
  const next = { ...graph, nodes, edges, entryNodeId: entry };
  return graph.notes
    ? withNotes(
        next,
        graph.notes.filter((note) => !ids.has(note.id)),
      )
    : next;
}

export function move(graph: Graph, places: ReadonlyMap<string, Point>): Graph {
  const moved = <T extends { id: string; position: Point }>(thing: T): T => {
    const at = places.get(thing.id);
    return at ? { ...thing, position: { x: Math.round(at.x), y: Math.round(at.y) } } : thing;
  };
  const next = withNodes(graph, graph.nodes.map(moved));
  return graph.notes ? { ...next, notes: graph.notes.map(moved) } : next;
}

export function setName(graph: Graph, id: string, name: string): Graph {
  return change(graph, id, (node) => ({ ...node, name }));
}

/** Sets fields of `data`; undefined takes one away. Labels of a branch take their edges along. */
export function setData(graph: Graph, id: string, fields: Record<string, unknown>): Graph {
  const before = nodeOf(graph, id);
  if (!before) return graph;
  const data: Record<string, unknown> = { ...before.data, ...fields };
  for (const [key, value] of Object.entries(fields)) if (value === undefined) delete data[key];
  const next = change(graph, id, (node) => ({ ...node, data }));
  if (before.type !== "branch" || !("branches" in fields)) return next;
  return followLabels(next, before, { ...before, data });
}

function followLabels(graph: Graph, before: GraphNode, after: GraphNode): Graph {
  const [old, now] = [branchesOf(before), branchesOf(after)];
  if (old.length !== now.length) {
    const left = new Set([...now.map((arm) => arm.label), THEN]);
    const edges = graph.edges.filter(
      (edge) => edge.source !== after.id || !edge.label || left.has(edge.label),
    );
    return { ...graph, edges };
  }
  const renamed = new Map(old.map((arm, index) => [arm.label, now[index]?.label ?? arm.label]));
  const edges = graph.edges.map((edge) =>
    edge.source === after.id && edge.label && renamed.has(edge.label)
      ? { ...edge, label: renamed.get(edge.label) }
      : edge,
  );
  return { ...graph, edges };
}

/** Another id, in every expression and in code too. Answers the graph as it was for a bad id. */
export function setId(graph: Graph, id: string, next: string): Graph {
  if (id === next || !canBeId(next) || idsOf(graph).has(next)) return graph;
  const word = new RegExp(`(?<![\\w.])${id}(?![\\w])`, "g");
  const rewrite = (value: unknown): unknown => {
    if (typeof value === "string") return value.replace(word, next);
    if (Array.isArray(value)) return value.map(rewrite);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, rewrite(inner)]));
    }
    return value;
  };
  // Text without expressions or code stays: only what can refer to a node is rewritten.
  const refers = (value: unknown): boolean =>
    typeof value === "string"
      ? value.includes("{{")
      : !!value && typeof value === "object" && Object.values(value).some(refers);
  const nodes = graph.nodes.map((node) => {
    const data = Object.fromEntries(
      Object.entries(node.data).map(([key, value]) => [
        key,
        CODE_FIELDS.has(key) || refers(value) ? rewrite(value) : value,
      ]),
    );
    return { ...node, id: node.id === id ? next : node.id, data };
  });
  const edges = graph.edges.map((edge) => ({
    ...edge,
    source: edge.source === id ? next : edge.source,
    target: edge.target === id ? next : edge.target,
  }));
  return {
    ...graph,
    nodes,
    edges,
    entryNodeId: graph.entryNodeId === id ? next : graph.entryNodeId,
  };
}

const CODE_FIELDS = new Set([
  "code",
  "rollback",
  "condition",
  "collection",
  "count",
  "branches",
  "input",
]);

export function setEntry(graph: Graph, id: string): Graph {
  return nodeOf(graph, id) ? { ...graph, entryNodeId: id } : graph;
}

export function setTrigger(graph: Graph, trigger: Trigger | undefined): Graph {
  const { trigger: _, ...rest } = graph;
  return trigger ? { ...rest, trigger } : rest;
}
