/** A graph as the editor needs it, from one that a file, another program or an older draft held.
 *  Pure. What the format leaves open is filled in, and what can't be drawn is left out. */

import {
  ARM_PITCH,
  type Graph,
  type GraphEdge,
  type GraphNode,
  type Note,
  PITCH,
  type Point,
  waysOf,
} from "./model";
import { isRecord } from "./record";

type Fields = Record<string, unknown>;

/** Whatever `raw` is, a graph comes of it; one without a name gets this. */
export function graphFrom(raw: Fields, name: string): Graph {
  const graph = raw as Partial<Graph>;
  const nodes = records(raw.nodes).filter((node) => text(node.id) && text(node.type));
  const edges = records(raw.edges).flatMap(edgeFrom);
  const entryNodeId = typeof raw.entryNodeId === "string" ? raw.entryNodeId : "";
  const places = placesOf(nodes, edges, entryNodeId);
  return {
    ...graph,
    kind: graph.kind === "script" ? "script" : "workflow",
    metadata: { name, ...graph.metadata },
    nodes: nodes.map((node) => nodeFrom(node, places)),
    edges,
    entryNodeId,
    ...(raw.notes === undefined ? {} : { notes: records(raw.notes).flatMap(noteFrom) }),
  };
}

function nodeFrom(node: Fields, places: ReadonlyMap<string, Point>): GraphNode {
  const id = node.id as string;
  const whole =
    isPoint(node.position) && typeof node.name === "string" && isRecord(node.data) ? node : null;
  // one that is whole keeps its identity
  if (whole) return whole as GraphNode;
  return {
    ...(node as GraphNode),
    name: typeof node.name === "string" ? node.name : id,
    position: isPoint(node.position) ? node.position : (places.get(id) ?? { x: 0, y: 0 }),
    data: isRecord(node.data) ? node.data : {},
  };
}

function edgeFrom(edge: Fields, index: number): GraphEdge[] {
  if (!text(edge.source) || !text(edge.target)) return [];
  if (text(edge.id) && (edge.label === undefined || typeof edge.label === "string")) {
    return [edge as GraphEdge];
  }
  const { id, label, ...rest } = edge as GraphEdge;
  const labelled = typeof label === "string" ? { label } : {};
  return [{ ...rest, ...labelled, id: text(id) ? id : `edge ${index + 1}` }];
}

function noteFrom(note: Fields): Note[] {
  if (!text(note.id)) return [];
  const position = isPoint(note.position) ? note.position : { x: 0, y: 0 };
  return [{ ...(note as Note), position, text: typeof note.text === "string" ? note.text : "" }];
}

/** Where nodes without a place stand: in rows, by how far they are from the start; right of those
 *  that have one. */
function placesOf(nodes: readonly Fields[], edges: GraphEdge[], entry: string): Map<string, Point> {
  const places = new Map<string, Point>();
  const lost = nodes.filter((node) => !isPoint(node.position)).map((node) => node.id as string);
  if (lost.length === 0) return places;
  const placed = nodes.flatMap((node) => (isPoint(node.position) ? [node.position] : []));
  const left = placed.length > 0 ? Math.max(...placed.map(({ x }) => x)) + ARM_PITCH : 0;
  const rows = rowsOf(nodes, edges, entry);
  const filled = new Map<number, number>();
  for (const id of lost) {
    const row = rows.get(id) ?? 0;
    const column = filled.get(row) ?? 0;
    filled.set(row, column + 1);
    places.set(id, { x: left + column * ARM_PITCH, y: row * PITCH });
  }
  return places;
}

/** How many edges each node is from the start; those it does not lead to come below. */
function rowsOf(nodes: readonly Fields[], edges: GraphEdge[], entry: string): Map<string, number> {
  const { out } = waysOf({ edges });
  const rows = new Map<string, number>();
  let last = -1;
  const ids = nodes.map((node) => node.id as string);
  for (const start of ids.includes(entry) ? [entry, ...ids] : ids) {
    if (rows.has(start)) continue;
    let reached = [start];
    rows.set(start, last + 1);
    while (reached.length > 0) {
      last = Math.max(last, rows.get(reached[0] as string) ?? 0);
      const next: string[] = [];
      for (const id of reached) {
        for (const { target } of out.get(id) ?? []) {
          if (rows.has(target)) continue;
          rows.set(target, (rows.get(id) ?? 0) + 1);
          next.push(target);
        }
      }
      reached = next;
    }
  }
  return rows;
}

function records(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function isPoint(value: unknown): value is Point {
  return isRecord(value) && Number.isFinite(value.x) && Number.isFinite(value.y);
}

function text(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
