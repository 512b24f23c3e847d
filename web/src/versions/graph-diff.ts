/** What differs between two graphs, said by node and field. Where nodes stand is only counted. */

import type { Graph, GraphNode } from "@/graph/model";
import { isRecord } from "@/graph/record";

/** `undefined` is a field that is not there. */
export type FieldChange = { path: string; before: unknown; after: unknown };

export type NodeChange =
  | { kind: "added" | "removed"; node: GraphNode }
  | { kind: "changed"; node: GraphNode; before: GraphNode; fields: FieldChange[] };

export type EdgeChange = {
  kind: "added" | "removed";
  source: string;
  target: string;
  label: string;
};

export type GraphDiff = {
  nodes: NodeChange[];
  edges: EdgeChange[];
  /** Of the graph itself: its trigger, its first node, its description. */
  graph: FieldChange[];
  /** So many nodes stand elsewhere, which changes nothing of what runs. */
  moved: number;
  notes: boolean;
};

export function diffGraphs(before: Graph, after: Graph): GraphDiff {
  const old = new Map(before.nodes.map((node) => [node.id, node]));
  const now = new Map(after.nodes.map((node) => [node.id, node]));
  const renamed = renames(
    before.nodes.filter((node) => !now.has(node.id)),
    after.nodes.filter((node) => !old.has(node.id)),
  );
  const nodes: NodeChange[] = [];
  let moved = 0;
  for (const node of after.nodes) {
    const was = old.get(node.id) ?? renamed.get(node.id);
    if (!was) {
      nodes.push({ kind: "added", node });
      continue;
    }
    const fields = diffFields(told(was), told(node));
    if (fields.length > 0) nodes.push({ kind: "changed", node, before: was, fields });
    if (was.position?.x !== node.position?.x || was.position?.y !== node.position?.y) moved++;
  }
  const kept = new Set([...renamed.values()].map((node) => node.id));
  for (const node of before.nodes) {
    if (!now.has(node.id) && !kept.has(node.id)) nodes.push({ kind: "removed", node });
  }
  const names = new Map([...renamed].map(([id, was]) => [was.id, id]));
  return {
    nodes,
    edges: diffEdges(before, after, names),
    graph: diffFields(
      head(before, (id) => names.get(id) ?? id),
      head(after, (id) => id),
    ),
    moved,
    notes: JSON.stringify(before.notes ?? []) !== JSON.stringify(after.notes ?? []),
  };
}

/** Whether both mean the same: nothing differs but places and notes. */
export function isSame(diff: GraphDiff): boolean {
  return diff.nodes.length + diff.edges.length + diff.graph.length === 0;
}

/** New nodes that are old ones under another id, by their new ids. */
function renames(gone: GraphNode[], come: GraphNode[]): Map<string, GraphNode> {
  const left = new Set(gone);
  const found = new Map<string, GraphNode>();
  for (const node of come) {
    for (const old of left) {
      if (old.type !== node.type) continue;
      if (old.name !== node.name && !same(old.data, node.data)) continue;
      found.set(node.id, old);
      left.delete(old);
      break;
    }
  }
  return found;
}

function told({ position: _, ...rest }: GraphNode): Record<string, unknown> {
  const { data, ...fields } = rest;
  return { ...fields, ...(isRecord(data) ? data : { data }) };
}

function head(graph: Graph, id: (id: string) => string): Record<string, unknown> {
  const { metadata, trigger, entryNodeId, kind, module, className } = graph;
  const written = module === undefined ? {} : { code: module, className };
  const told = { trigger: trigger ?? { type: "manual" }, firstNode: id(entryNodeId), kind };
  return { ...metadata, ...told, ...written };
}

function diffEdges(before: Graph, after: Graph, names: ReadonlyMap<string, string>): EdgeChange[] {
  const key = (edge: { source: string; target: string; label?: string }) =>
    JSON.stringify([edge.source, edge.label ?? "", edge.target]);
  const old = new Set(
    before.edges.map((edge) =>
      key({
        ...edge,
        source: names.get(edge.source) ?? edge.source,
        target: names.get(edge.target) ?? edge.target,
      }),
    ),
  );
  const now = new Set(after.edges.map(key));
  const change = (kind: EdgeChange["kind"], text: string): EdgeChange => {
    const [source, label, target] = JSON.parse(text) as [string, string, string];
    return { kind, source, target, label };
  };
  return [
    ...[...now].filter((edge) => !old.has(edge)).map((edge) => change("added", edge)),
    ...[...old].filter((edge) => !now.has(edge)).map((edge) => change("removed", edge)),
  ];
}

function same(a: unknown, b: unknown): boolean {
  return diffFields({ value: a }, { value: b }).length === 0;
}

/** The leaves that differ, each with its path: `branches[0].condition`. */
function diffFields(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
): FieldChange[] {
  const found: FieldChange[] = [];
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    compare(key, before[key], after[key], found);
  }
  return found;
}

function compare(path: string, before: unknown, after: unknown, found: FieldChange[]): void {
  if (Object.is(before, after)) return;
  if (isRecord(before) && isRecord(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      compare(`${path}.${key}`, before[key], after[key], found);
    }
    return;
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    for (let at = 0; at < Math.max(before.length, after.length); at++) {
      compare(`${path}[${at}]`, before[at], after[at], found);
    }
    return;
  }
  found.push({ path, before, after });
}

/** `3 nodes changed, 1 added`: a whole diff in a few words. */
export function inWords(diff: GraphDiff): string {
  const count = (kind: NodeChange["kind"]) => diff.nodes.filter((one) => one.kind === kind).length;
  const parts = (["added", "changed", "removed"] as const).flatMap((kind) => {
    const nodes = count(kind);
    return nodes > 0 ? [`${nodes} ${nodes === 1 ? "node" : "nodes"} ${kind}`] : [];
  });
  const edges = diff.edges.length;
  if (edges > 0) parts.push(`${edges} ${edges === 1 ? "edge" : "edges"}`);
  if (diff.graph.length > 0) parts.push("settings of the graph");
  if (parts.length === 0 && diff.moved > 0) return "only places on the canvas";
  if (parts.length === 0 && diff.notes) return "only notes";
  return parts.length > 0 ? parts.join(", ") : "nothing";
}
