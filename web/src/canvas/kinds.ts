/** What a new node of each type holds when it is put on the canvas: little, and valid where it can be. */

import type { NodeType } from "@/api/queries";
import type { NodeKind } from "@/graph/edits";

const STARTS: Record<string, Record<string, unknown>> = {
  step: { code: "return {}" },
  http_request: { url: "https://example.com" },
  sleep: { duration: "10 seconds" },
  sleep_until: { timestamp: "{{event.payload.at}}" },
  wait_for_event: { eventType: "approval" },
  branch: {
    branches: [
      { label: "yes", condition: "True" },
      { label: "no", condition: "" },
    ],
  },
  loop: { loopType: "forEach", collection: "[1, 2, 3]" },
  break: {},
};

export function newKind(type: NodeType): NodeKind {
  return { type: type.type, title: type.title, data: STARTS[type.type] ?? defaultsOf(type.schema) };
}

/** Required texts are there, empty, so that the form shows what is missing. */
function defaultsOf(schema: Record<string, unknown>): Record<string, unknown> {
  const required = Array.isArray(schema.required) ? (schema.required as string[]) : [];
  const properties = (schema.properties ?? {}) as Record<string, Record<string, unknown>>;
  const data: Record<string, unknown> = {};
  for (const name of required) {
    const property = properties[name];
    if (!property) continue;
    const secret = property["x-secret"];
    if (typeof secret === "string") data[name] = `{{env.${secret}}}`;
    else if ("default" in property) data[name] = property.default;
    else if (Array.isArray(property.enum)) data[name] = property.enum[0];
    else if (property.type === "string") data[name] = "";
  }
  return data;
}
