/** Parts of a drawing as JSON text, so that they can be pasted anywhere, and read from anywhere. */

import { idsOf } from "./edits";
import type { Graph, GraphEdge, GraphNode, Point } from "./model";
import { idFrom } from "./names";
import { isRecord } from "./record";

export type Piece = { nodes: GraphNode[]; edges: GraphEdge[] };

const MOST_NODES = 5000;
const LONGEST = 16 * 1024 * 1024;

export function copy(graph: Graph, ids: ReadonlySet<string>): Piece {
  return {
    nodes: graph.nodes.filter((node) => ids.has(node.id)),
    edges: graph.edges.filter((edge) => ids.has(edge.source) && ids.has(edge.target)),
  };
}

export function asText(piece: Piece): string {
  return JSON.stringify({ awaitstep: "nodes", ...piece }, null, 2);
}

export class PasteRefused extends Error {}

/**
 * What a pasted text holds: our own copies, a whole graph, an export with `ir`. Whatever is not a
 * node or an edge is left out; a text without a node is refused.
 */
export function read(text: string): Piece {
  if (text.length > LONGEST) throw new PasteRefused("What was pasted is over 16 MB.");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new PasteRefused("What was pasted is not JSON.");
  }
  const holder = isRecord(value) && isRecord(value.ir) ? value.ir : value;
  if (!isRecord(holder) || !Array.isArray(holder.nodes)) {
    throw new PasteRefused("What was pasted holds no nodes.");
  }
  if (holder.nodes.length > MOST_NODES) {
    throw new PasteRefused(`What was pasted has over ${MOST_NODES} nodes.`);
  }
  const nodes = holder.nodes.flatMap(readNode);
  if (nodes.length === 0) throw new PasteRefused("What was pasted holds no nodes.");
  const known = new Set(nodes.map((node) => node.id));
  const edges = (Array.isArray(holder.edges) ? holder.edges : [])
    .flatMap(readEdge)
    .filter((edge) => known.has(edge.source) && known.has(edge.target));
  return { nodes, edges };
}

function readNode(raw: unknown): GraphNode[] {
  if (!isRecord(raw) || typeof raw.id !== "string" || typeof raw.type !== "string") return [];
  const at = isRecord(raw.position) ? raw.position : {};
  const node: GraphNode = {
    id: raw.id.slice(0, 256),
    type: raw.type.slice(0, 256),
    name: (typeof raw.name === "string" ? raw.name : raw.id).slice(0, 256),
    position: { x: finite(at.x), y: finite(at.y) },
    data: isRecord(raw.data) ? raw.data : {},
  };
  if (typeof raw.version === "string") node.version = raw.version;
  if (typeof raw.provider === "string") node.provider = raw.provider;
  if (isRecord(raw.config)) node.config = raw.config;
  return [node];
}

function finite(value: unknown): number {
  const far = 1_000_000;
  return typeof value === "number" && Number.isFinite(value)
    ? Math.max(-far, Math.min(far, value))
    : 0;
}

function readEdge(raw: unknown): GraphEdge[] {
  if (!isRecord(raw) || typeof raw.source !== "string" || typeof raw.target !== "string") return [];
  const edge: GraphEdge = { id: "", source: raw.source, target: raw.target };
  if (typeof raw.label === "string" && raw.label !== "") edge.label = raw.label.slice(0, 256);
  return [edge];
}

/** The piece in the graph, its middle at `at`, under ids that are free; answers the new ids too. */
export function paste(graph: Graph, piece: Piece, at: Point): { graph: Graph; ids: string[] } {
  const taken = idsOf(graph);
  const renamed = new Map<string, string>();
  for (const node of piece.nodes) {
    const id = idFrom(renamed.has(node.id) ? node.name : node.id, taken);
    taken.add(id);
    renamed.set(node.id, id);
  }
  const left = Math.min(...piece.nodes.map((node) => node.position.x));
  const right = Math.max(...piece.nodes.map((node) => node.position.x));
  const top = Math.min(...piece.nodes.map((node) => node.position.y));
  const bottom = Math.max(...piece.nodes.map((node) => node.position.y));
  const shift = { x: at.x - (left + right) / 2, y: at.y - (top + bottom) / 2 };
  const seen = new Set<string>();
  const nodes = piece.nodes.flatMap((node) => {
    const id = renamed.get(node.id) as string;
    if (seen.has(id)) return [];
    seen.add(id);
    const position = {
      x: Math.round(node.position.x + shift.x),
      y: Math.round(node.position.y + shift.y),
    };
    return [{ ...node, id, position, data: rename(node.data, renamed) as GraphNode["data"] }];
  });
  const used = new Set(graph.edges.map((edge) => edge.id));
  let count = graph.edges.length;
  const edges = piece.edges.map((edge) => {
    do count++;
    while (used.has(`e${count}`));
    const made: GraphEdge = {
      ...edge,
      id: `e${count}`,
      source: renamed.get(edge.source) as string,
      target: renamed.get(edge.target) as string,
    };
    return made;
  });
  const next: Graph = {
    ...graph,
    nodes: [...graph.nodes, ...nodes],
    edges: [...graph.edges, ...edges],
    entryNodeId: graph.entryNodeId || (nodes[0]?.id ?? ""),
  };
  return { graph: next, ids: nodes.map((node) => node.id) };
}

/** References between the copied nodes follow their new ids, in expressions. */
function rename(value: unknown, renamed: ReadonlyMap<string, string>): unknown {
  if (typeof value === "string") {
    return value.replace(/\{\{\s*([A-Za-z_]\w*)/g, (whole, id: string) => {
      const next = renamed.get(id);
      return next ? whole.replace(id, next) : whole;
    });
  }
  if (Array.isArray(value)) return value.map((inner) => rename(inner, renamed));
  if (isRecord(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, rename(inner, renamed)]),
    );
  }
  return value;
}
