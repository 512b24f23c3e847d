/** A graph from a text that anybody may have written. Pure: nothing but its shape is taken over. */

import { faultOf } from "@/forms/json-place";
import type { Graph, GraphEdge, GraphNode, Note, Trigger } from "@/graph/model";

export type ReadFault = { line: number; column: number; message: string };
export type Read = { graph: Graph; faults: null } | { graph: null; faults: ReadFault[] };

const LONGEST = 16 * 1024 * 1024;
const MOST = 5000;
const FAR = 1_000_000;
const DEEPEST = 64;
const TRIGGERS = new Set(["manual", "http", "schedule", "event"]);
const FIELDS = new Set(["kind", "metadata", "nodes", "edges", "entryNodeId", "trigger", "notes"]);

type Fields = Record<string, unknown>;

/** The graph of a text, or everything that keeps it from being one. `kind` can't be changed. */
export function readGraph(text: string, kind: Graph["kind"]): Read {
  if (text.length > LONGEST) return refused([{ line: 1, column: 1, message: "It is over 16 MB." }]);
  const fault = faultOf(text, DEEPEST);
  if (fault) return refused([fault]);
  const messages: string[] = [];
  const graph = graphOf(JSON.parse(text), kind, messages);
  if (messages.length > 0) {
    return refused(messages.map((message) => ({ line: 1, column: 1, message })));
  }
  return { graph, faults: null };
}

function refused(faults: ReadFault[]): Read {
  return { graph: null, faults: faults.slice(0, 20) };
}

function graphOf(raw: unknown, kind: Graph["kind"], wrong: string[]): Graph {
  const from = record(raw);
  if (!from) wrong.push("A graph is an object, with nodes and edges.");
  const fields = from ?? {};
  for (const name of Object.keys(fields)) {
    if (!FIELDS.has(name)) wrong.push(`A graph has no field ${name.slice(0, 60)}.`);
  }
  if (fields.kind !== undefined && fields.kind !== kind) wrong.push(`kind has to stay ${kind}.`);
  const metadata = record(fields.metadata);
  if (typeof metadata?.name !== "string") wrong.push("metadata.name is missing, a text.");
  const nodes = listOf(fields.nodes, "nodes", wrong, nodeOf);
  const edges = listOf(fields.edges ?? [], "edges", wrong, edgeOf);
  unique(nodes, "nodes", wrong);
  unique(edges, "edges", wrong);
  if (typeof fields.entryNodeId !== "string") wrong.push("entryNodeId is missing, a text.");
  const graph: Graph = {
    kind,
    metadata: { ...metadata, name: String(metadata?.name ?? "") },
    nodes,
    edges,
    entryNodeId: String(fields.entryNodeId ?? ""),
  };
  if (fields.trigger !== undefined) {
    const trigger = record(fields.trigger);
    if (!trigger || !TRIGGERS.has(String(trigger.type))) {
      wrong.push("trigger.type is one of manual, http, schedule, event.");
    } else graph.trigger = trigger as Trigger;
  }
  if (fields.notes !== undefined) {
    graph.notes = listOf(fields.notes, "notes", wrong, noteOf);
    unique(graph.notes, "notes", wrong);
  }
  return graph;
}

type Reader<T> = (fields: Fields, where: string, wrong: string[]) => T;

function listOf<T>(raw: unknown, name: string, wrong: string[], read: Reader<T>): T[] {
  if (!Array.isArray(raw)) {
    wrong.push(`${name} is missing, a list.`);
    return [];
  }
  if (raw.length > MOST) {
    wrong.push(`${name} holds ${raw.length}: at most ${MOST} are drawn.`);
    return [];
  }
  return raw.flatMap((one, index) => {
    const fields = record(one);
    if (!fields) wrong.push(`${name}[${index}] is no object.`);
    return fields ? [read(fields, `${name}[${index}]`, wrong)] : [];
  });
}

function unique(things: readonly { id: string }[], name: string, wrong: string[]): void {
  const seen = new Set<string>();
  for (const { id } of things) {
    if (seen.has(id)) wrong.push(`Two of ${name} have the id ${id}.`);
    seen.add(id);
  }
}

function nodeOf(fields: Fields, where: string, wrong: string[]): GraphNode {
  const node: GraphNode = {
    id: textOf(fields.id, `${where}.id`, wrong),
    type: textOf(fields.type, `${where}.type`, wrong),
    name: textOf(fields.name ?? fields.id, `${where}.name`, wrong),
    position: pointOf(fields.position, `${where}.position`, wrong),
    data: record(fields.data ?? {}) ?? {},
  };
  if (!record(fields.data ?? {})) wrong.push(`${where}.data is no object.`);
  if (typeof fields.version === "string") node.version = fields.version;
  if (typeof fields.provider === "string") node.provider = fields.provider;
  if (fields.config !== undefined) node.config = fields.config;
  return node;
}

function edgeOf(fields: Fields, where: string, wrong: string[]): GraphEdge {
  const edge: GraphEdge = {
    id: textOf(fields.id, `${where}.id`, wrong),
    source: textOf(fields.source, `${where}.source`, wrong),
    target: textOf(fields.target, `${where}.target`, wrong),
  };
  if (fields.label !== undefined && fields.label !== null) {
    edge.label = textOf(fields.label, `${where}.label`, wrong);
  }
  return edge;
}

function noteOf(fields: Fields, where: string, wrong: string[]): Note {
  const note: Note = {
    id: textOf(fields.id, `${where}.id`, wrong),
    text: typeof fields.text === "string" ? fields.text : "",
    position: pointOf(fields.position, `${where}.position`, wrong),
  };
  for (const side of ["width", "height"] as const) {
    const size = fields[side];
    if (typeof size === "number" && size > 0 && size < FAR) note[side] = size;
  }
  return note;
}

function textOf(raw: unknown, where: string, wrong: string[]): string {
  if (typeof raw === "string" && raw !== "" && raw.length <= 256) return raw;
  wrong.push(`${where} is missing, a text of at most 256 characters.`);
  return "";
}

function pointOf(raw: unknown, where: string, wrong: string[]) {
  const point = record(raw ?? { x: 0, y: 0 });
  const good = (value: unknown): value is number =>
    typeof value === "number" && Math.abs(value) <= FAR;
  if (point && good(point.x) && good(point.y)) return { x: point.x, y: point.y };
  wrong.push(`${where} is {x, y}, two numbers.`);
  return { x: 0, y: 0 };
}

function record(value: unknown): Fields | null {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : null;
}
