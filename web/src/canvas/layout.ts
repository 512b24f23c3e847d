/** Where nodes stand when they are laid out by machine: top to bottom, arms side by side. */

import type { ElkNode } from "elkjs/lib/elk-api";
import {
  armsOf,
  type Graph,
  type GraphEdge,
  NODE_HEIGHT,
  NODE_WIDTH,
  type Point,
  scopesOf,
  THEN,
  waysOf,
} from "@/graph/model";

let worker: Worker | undefined;
let asked = 0;

const OPTIONS = {
  "elk.algorithm": "layered",
  "elk.direction": "DOWN",
  "elk.layered.spacing.nodeNodeBetweenLayers": "56",
  "elk.spacing.nodeNode": "48",
  "elk.layered.nodePlacement.strategy": "BRANDES_KOEPF",
  "elk.layered.nodePlacement.bk.fixedAlignment": "BALANCED",
  "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
  "elk.layered.crossingMinimization.forceNodeModelOrder": "false",
};

/** The places of all nodes. elkjs is loaded when this is first asked, into a worker. */
export async function layOut(graph: Graph): Promise<Map<string, Point>> {
  worker ??= new Worker(new URL("./layout.worker.ts", import.meta.url), { type: "module" });
  const id = ++asked;
  const current = worker;
  const answer = new Promise<ElkNode>((resolve, reject) => {
    const hear = ({ data }: MessageEvent<{ id: number; laid?: ElkNode; error?: string }>) => {
      if (data.id !== id) return;
      current.removeEventListener("message", hear);
      if (data.laid) resolve(data.laid);
      else reject(new Error(data.error));
    };
    current.addEventListener("message", hear);
    current.addEventListener("error", () => {
      // it could not be fetched; the next one may be
      if (worker === current) worker = undefined;
      reject(new Error("The layout could not be loaded. Try again in a moment."));
    });
  });
  current.postMessage({ id, graph: asElk(graph) });
  const laid = await answer;
  const places = new Map<string, Point>();
  for (const child of laid.children ?? []) {
    places.set(child.id, { x: Math.round(child.x ?? 0), y: Math.round(child.y ?? 0) });
  }
  return rooted(graph, places);
}

/** The entry stays where it is; everything else moves with it. */
function rooted(graph: Graph, places: Map<string, Point>): Map<string, Point> {
  const entry = graph.nodes.find((node) => node.id === graph.entryNodeId) ?? graph.nodes[0];
  const at = entry && places.get(entry.id);
  if (!entry || !at) return places;
  const shift = { x: entry.position.x - at.x, y: entry.position.y - at.y };
  return new Map(
    [...places].map(([id, place]) => [id, { x: place.x + shift.x, y: place.y + shift.y }]),
  );
}

/** What follows a container stands below the ends of its arms, not beside them. */
function belowArms(graph: Graph, edges: GraphEdge[]): GraphEdge[] {
  const { out } = waysOf({ edges });
  const scopes = scopesOf(graph);
  return edges.flatMap((edge) => {
    if (edge.label !== THEN) return [edge];
    const inside = scopes.filter((scope) => scope.container === edge.source);
    const ends = new Set(
      inside.flatMap((scope) =>
        scope.nodes.filter((id) => (out.get(id) ?? []).every((way) => way.target === edge.target)),
      ),
    );
    if (ends.size === 0) return [edge];
    return [...ends].map((source) => ({ ...edge, id: `${edge.id} ${source}`, source }));
  });
}

function asElk(graph: Graph): ElkNode {
  const order = new Map<string, number>();
  for (const node of graph.nodes) {
    armsOf(node, graph.edges).forEach((arm, index) => {
      order.set(`${node.id} ${arm.label}`, index);
    });
  }
  const known = new Set(graph.nodes.map((node) => node.id));
  const rank = (edge: { source: string; label?: string }) =>
    order.get(`${edge.source} ${edge.label}`) ?? 0;
  const lines = graph.edges.filter((edge) => known.has(edge.source) && known.has(edge.target));
  const edges = [...belowArms(graph, lines)].sort((a, b) =>
    a.source === b.source ? rank(a) - rank(b) : 0,
  );
  return {
    id: "root",
    layoutOptions: OPTIONS,
    children: graph.nodes.map((node) => ({ id: node.id, width: NODE_WIDTH, height: NODE_HEIGHT })),
    edges: edges.map((edge) => ({ id: edge.id, sources: [edge.source], targets: [edge.target] })),
  };
}
