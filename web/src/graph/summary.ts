/** The one thing that tells most about a node, for the line below its name. */

import { branchesOf, type GraphNode } from "./model";

const text = (value: unknown): string => (typeof value === "string" ? value.trim() : "");

function firstLine(code: string): string {
  const line = code.split("\n").find((one) => one.trim() && !one.trim().startsWith("#"));
  return line?.trim() ?? "";
}

/** An address without its scheme: `api.example.com/orders`. */
function place(url: string): string {
  return url.replace(/^https?:\/\//, "");
}

/** `fields` are those that a type of one's own names, the most telling first. */
export function summaryOf(node: GraphNode, fields: readonly string[] = []): string {
  const { data } = node;
  switch (node.type) {
    case "step":
      return firstLine(text(data.code));
    case "http_request":
      return `${text(data.method) || "GET"} ${place(text(data.url))}`.trim();
    case "sleep":
      return text(data.duration);
    case "sleep_until":
      return text(data.timestamp);
    case "wait_for_event":
      return [text(data.eventType), text(data.timeout) || "24 hours"].filter(Boolean).join(" · ");
    case "branch":
      return branchesOf(node)
        .map((arm) => arm.condition || "else")
        .join(" · ");
    case "parallel":
      return data.onError === "collect" ? "all, errors collected" : "all at once";
    case "race":
      return "the first that ends";
    case "loop":
      return loopSummary(data);
    case "break":
      return text(data.condition) ? `if ${text(data.condition)}` : "always";
    case "try_catch":
      return "";
    case "sub_workflow":
    case "sub_script":
      return text(data.workflowId);
    default:
      return fields
        .map((field) => firstLine(text(data[field])))
        .filter(Boolean)
        .join(" · ");
  }
}

function loopSummary(data: Record<string, unknown>): string {
  const item = text(data.itemVar) || "item";
  if (data.loopType === "while") return `while ${text(data.condition)}`;
  if (data.loopType === "times") return `${text(data.count)} times`;
  return `for ${item} in ${text(data.collection)}`;
}
