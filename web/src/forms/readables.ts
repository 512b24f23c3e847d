/** What a node's texts may read, with what is known of its value. Pure. */

import type { NodeType } from "@/api/queries";
import { boundAt, type Graph, nodeOf, scopesOf, upstreamOf } from "@/graph/model";
import { exactly, type Key, parsePath, parseTemplate } from "./expressions";
import { type Values, valueAt } from "./preview";

type Schema = Record<string, unknown>;

export type Readable = {
  /** The name it is read by. */
  name: string;
  title: string;
  /** Whether `value` is a real one, from the last run that had one. */
  known: boolean;
  value: unknown;
  schema: Schema | null;
  /** Names that are read as attributes: `event.payload`, `request.method`. */
  attributes?: readonly string[];
};

export type Variable = { name: string; value: string | null };

type Known = {
  types: ReadonlyMap<string, NodeType>;
  samples: ReadonlyMap<string, unknown>;
  payload: unknown;
  variables: readonly Variable[];
};

const text = { type: "string" };
const object = (properties: Schema): Schema => ({ type: "object", properties });

const RESPONSE = object({
  status: { type: "integer" },
  headers: { type: "object" },
  body: text,
  json: {},
});
const ERROR = object({ name: text, message: text, step: text });

/** Values of the types whose schema is the same in every drawing. */
const VALUES: Record<string, Schema> = {
  http_request: RESPONSE,
  sub_script: RESPONSE,
  wait_for_event: object({ payload: {}, type: text, timestamp: text }),
  loop: object({ results: { type: "array" }, count: { type: "integer" } }),
  race: object({ winner: text, value: {} }),
  try_catch: object({ value: {}, error: ERROR }),
};

const EVENT_KEYS = {
  workflow: ["payload", "timestamp", "instanceId", "workflowName"],
  script: ["payload", "method", "url", "headers"],
};

/** Everything that may be read where a node runs: what is nearest first. */
export function readablesAt(graph: Graph, id: string, known: Known): Readable[] {
  const nodes = upstreamOf(graph, id)
    .filter((node) => known.types.get(node.type)?.hasValue ?? true)
    .reverse()
    .map<Readable>((node) => ({
      name: node.id,
      title: node.name,
      known: known.samples.has(node.id),
      value: known.samples.get(node.id),
      schema: known.types.get(node.type)?.valueSchema ?? VALUES[node.type] ?? null,
    }));
  const around = [...nodes, eventOf(graph, known), envOf(known)];
  return [...boundOf(graph, id, valuesOf(around)), ...around];
}

function eventOf(graph: Graph, { payload }: Known): Readable {
  const keys = EVENT_KEYS[graph.kind] ?? EVENT_KEYS.workflow;
  return {
    name: "event",
    title: graph.kind === "script" ? "The request" : "What started the run",
    known: payload !== undefined,
    value: payload === undefined ? undefined : { payload },
    schema: object(Object.fromEntries(keys.map((key) => [key, key === "payload" ? {} : text]))),
    attributes: keys,
  };
}

/** The value of a secret is never told: it has one, that is all. */
const HIDDEN = "••••••";

export function envOf({ variables }: Pick<Known, "variables">): Readable {
  const values = variables.map(({ name, value }) => [name, value ?? HIDDEN] as const);
  return {
    name: "env",
    title: "Variables and secrets",
    known: true,
    value: Object.fromEntries(values),
    schema: null,
    attributes: variables.map((one) => one.name),
  };
}

function boundOf(graph: Graph, id: string, values: Values): Readable[] {
  return boundAt(graph, id).map((name) => {
    if (name === "error") {
      return { name, title: "What was caught", known: false, value: undefined, schema: ERROR };
    }
    const value = loopValue(graph, id, name, values);
    const title = "Of the loop";
    return { name, title, known: value !== undefined, value, schema: null };
  });
}

/** The first item of the collection, where that is one value and known; an index is 0. */
function loopValue(graph: Graph, id: string, name: string, values: Values): unknown {
  for (const scope of scopesOf(graph)) {
    const data = nodeOf(graph, scope.container)?.data;
    if (!data || !scope.nodes.includes(id) || scope.label !== "body") continue;
    if ((data.indexVar ?? "i") === name) return 0;
    if ((data.itemVar ?? "item") !== name) continue;
    const collection = typeof data.collection === "string" ? data.collection.trim() : "";
    const found = collectionOf(collection, values);
    return Array.isArray(found) ? found[0] : undefined;
  }
  return undefined;
}

function collectionOf(collection: string, values: Values): unknown {
  try {
    const reference = collection.startsWith("{{")
      ? exactly(parseTemplate(collection))
      : parsePath(collection);
    return reference && values.has(reference.root) ? valueAt(values, reference) : undefined;
  } catch {
    return undefined;
  }
}

export function valuesOf(readables: readonly Readable[]): Values {
  return new Map(readables.filter((one) => one.known).map((one) => [one.name, one.value]));
}

export type Child = { key: Key; detail: string };

const MOST_CHILDREN = 200;

/** What can follow a path: keys that the last value had, and those that the schema names. */
export function childrenOf(readable: Readable, path: readonly Key[]): Child[] {
  const found = new Map<Key, string>();
  const schema = path.reduce<Schema | null>(schemaBelow, readable.schema);
  for (const [key, inner] of Object.entries(propertiesOf(schema))) {
    found.set(key, typeOf(inner));
  }
  const value = readable.known ? path.reduce<unknown>(valueBelow, readable.value) : undefined;
  if (Array.isArray(value)) {
    value.slice(0, 10).forEach((one, index) => {
      found.set(index, sketch(one));
    });
  } else if (typeof value === "object" && value !== null) {
    for (const [key, one] of Object.entries(value).slice(0, MOST_CHILDREN)) {
      found.set(key, sketch(one));
    }
  }
  return [...found].map(([key, detail]) => ({ key, detail }));
}

function schemaBelow(schema: Schema | null, key: Key): Schema | null {
  if (!schema) return null;
  const inner = typeof key === "number" ? schema.items : propertiesOf(schema)[key];
  return typeof inner === "object" && inner !== null ? (inner as Schema) : null;
}

function propertiesOf(schema: Schema | null): Record<string, unknown> {
  const properties = schema?.properties;
  return typeof properties === "object" && properties !== null
    ? (properties as Record<string, unknown>)
    : {};
}

function valueBelow(value: unknown, key: Key): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Record<Key, unknown>)[key]
    : undefined;
}

function typeOf(schema: unknown): string {
  const type = typeof schema === "object" && schema !== null && "type" in schema ? schema.type : "";
  return Array.isArray(type) ? type.join(" | ") : String(type);
}

/** A value in a few letters, beside its key. */
function sketch(value: unknown): string {
  if (Array.isArray(value)) return `list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "object";
  const written = value === undefined ? "" : JSON.stringify(value);
  return written.length > 32 ? `${written.slice(0, 32)}…` : written;
}
