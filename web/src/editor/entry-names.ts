/** What entry code may read. */

import { envOf, type Readable, type Variable } from "@/forms/readables";

const text = { type: "string" };

export function entryNames(variables: readonly Variable[], binding: boolean): Readable[] {
  const env = envOf({ variables });
  const methods = ["json", "text", "bytes", "form_data", "clone"];
  const nothing = { known: false, value: undefined };
  return [
    {
      name: "request",
      title: "What was sent",
      schema: { type: "object", properties: { method: text, url: text, headers: text } },
      attributes: ["method", "url", "headers", "body", ...methods],
      ...nothing,
    },
    {
      ...env,
      attributes: [...(binding ? ["WORKFLOW"] : []), ...(env.attributes ?? [])],
    },
    {
      name: "ctx",
      title: "This request",
      schema: null,
      attributes: ["wait_until", "pass_through_on_exception"],
      ...nothing,
    },
    {
      name: "Response",
      title: "The answer",
      schema: null,
      attributes: ["json", "redirect"],
      ...nothing,
    },
  ];
}
