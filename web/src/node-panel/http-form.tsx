import { useEffect, useState } from "react";
import { Select } from "@/design/field";
import { Tabs } from "@/design/tabs";
import { useForm } from "@/forms/context";
import { held } from "@/forms/data";
import { ExpressionField } from "@/forms/expression-field";
import { JsonField } from "@/forms/json-field";
import { MapField } from "@/forms/map-field";
import { isError, within } from "@/forms/problems";
import type { FormField, Shape } from "@/forms/schema";
import { SchemaField, UnionField } from "@/forms/schema-field";
import { Segments } from "@/forms/segments";
import type { FieldProps } from "@/forms/small-fields";
import { type FormPartProps, fieldNamed } from "./change";

const HEADERS = [
  "Accept",
  "Authorization",
  "Content-Type",
  "Idempotency-Key",
  "If-None-Match",
  "User-Agent",
  "X-Request-ID",
];

type Part = "queryParams" | "headers" | "body" | "auth";

const TITLES: Record<Part, string> = {
  queryParams: "Query",
  headers: "Headers",
  body: "Body",
  auth: "Auth",
};

/** The fields of this form that have a place of their own in it. */
export const HTTP_FIELDS = new Set([
  "method",
  "url",
  "queryParams",
  "headers",
  "body",
  "bodyType",
  "auth",
]);

/** A request: method and URL on one line, then its parts. Of a function's call only some are there. */
export function HttpForm({ node, fields, change }: FormPartProps) {
  const { problems, focus } = useForm();
  const parts = (Object.keys(TITLES) as Part[]).filter((part) => fieldNamed(fields, part));
  const [part, setPart] = useState<Part>(
    () => parts.find((one) => isSet(node.data[one])) ?? parts[0] ?? "headers",
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: the parts of a type never change
  useEffect(() => {
    const found = parts.find((one) => focus && within(focus.path, `data.${one}`));
    if (found) setPart(found);
  }, [focus]);
  const url = fieldNamed(fields, "url");
  const method = fieldNamed(fields, "method");
  const props = (field: FormField): FieldProps => ({
    field,
    path: `data.${field.name}`,
    value: held(node.data, field),
    onChange: (value, typed) => change.field(field, value, typed),
  });
  return (
    <>
      {url && method ? (
        <div className="flex items-start gap-1.5">
          <Method {...props(method)} className="mt-7" />
          <ExpressionField
            path="data.url"
            title="URL"
            help={url.help}
            placeholder="https://api.example.com/orders/{{event.payload.id}}"
            value={String(node.data.url ?? "")}
            onChange={(text) => change.field(url, text, true)}
            className="flex-1"
          />
        </div>
      ) : (
        method && <SchemaField {...props(method)} />
      )}
      <Tabs
        label="Parts of the request"
        value={part}
        onChange={setPart}
        className="-mx-4"
        tabs={parts.map((one) => ({
          value: one,
          label: TITLES[one],
          badge: (
            <PartBadge
              count={countOf(node.data[one])}
              wrong={problems.some(
                (problem) => isError(problem) && within(problem.path, `data.${one}`),
              )}
            />
          ),
          content: (
            <div className="px-4 pt-3 pb-1">{contentOf(one, node, fields, change, props)}</div>
          ),
        }))}
      />
    </>
  );
}

function contentOf(
  part: Part,
  node: FormPartProps["node"],
  fields: FormPartProps["fields"],
  change: FormPartProps["change"],
  props: (field: FormField) => FieldProps,
) {
  const field = fieldNamed(fields, part);
  if (!field) return null;
  if (part === "body") return <BodyForm {...{ node, fields, change }} />;
  if (part === "auth") {
    return <UnionField {...props(field)} />;
  }
  return (
    <MapField
      path={`data.${part}`}
      title={null}
      help={field.help}
      word={part === "headers" ? "header" : "parameter"}
      known={part === "headers" ? HEADERS : undefined}
      value={held(node.data, field)}
      onChange={(value, typed) => change.field(field, value, typed)}
    />
  );
}

function Method({ field, value, onChange, className }: FieldProps & { className: string }) {
  const { choices } = field.shape as Extract<Shape, { kind: "choice" }>;
  return (
    <div data-path="data.method" className={className}>
      <Select
        label="Method"
        value={String(value)}
        choices={choices.map((one) => ({ value: one, label: one }))}
        onChange={(next) => onChange(next)}
        className="w-24! font-mono text-table"
      />
    </div>
  );
}

function isSet(value: unknown): boolean {
  return countOf(value) !== 0;
}

/** How many entries a part has; true where it is there and has none to count. */
function countOf(value: unknown): number | boolean {
  if (value === null || value === undefined) return 0;
  if (typeof value === "object" && !Array.isArray(value) && !("type" in value)) {
    return Object.keys(value).length;
  }
  return true;
}

function PartBadge({ count, wrong }: { count: number | boolean; wrong: boolean }) {
  if (wrong)
    return <span role="img" aria-label="has errors" className="size-1.5 rounded-full bg-errored" />;
  if (count === true)
    return <span role="img" aria-label="set" className="size-1.5 rounded-full bg-accent" />;
  if (!count) return null;
  return <span className="rounded-full bg-sunken px-1.5 text-muted text-small">{count}</span>;
}

type BodyKind = "none" | "json" | "text" | "form";

const BODIES = [
  { value: "none", label: "None" },
  { value: "json", label: "JSON" },
  { value: "text", label: "Text" },
  { value: "form", label: "Form" },
] as const;

function bodyKind(data: Record<string, unknown>): BodyKind {
  const { body, bodyType } = data;
  if (bodyType === "json" || bodyType === "text" || bodyType === "form") return bodyType;
  if (body === null || body === undefined) return "none";
  // One expression and nothing else keeps the type of its value.
  return typeof body === "string" && !/^\s*\{\{[^{}]*\}\}\s*$/.test(body) ? "text" : "json";
}

function BodyForm({ node, change }: FormPartProps) {
  const kind = bodyKind(node.data);
  const { body } = node.data;
  const typed = `data ${node.id} body`;
  const pick = (next: BodyKind) => {
    const object = typeof body === "object" && body !== null ? body : {};
    const text = typeof body === "string" ? body : body ? JSON.stringify(body, null, 2) : "";
    change.data(
      `Body as ${next}`,
      {
        none: { body: undefined, bodyType: undefined },
        json: { body: object, bodyType: undefined },
        text: { body: text, bodyType: "text" },
        form: { body: plainTexts(object), bodyType: "form" },
      }[next],
    );
  };
  return (
    <div className="flex flex-col gap-3">
      <Segments label="Kind of body" value={kind} choices={BODIES} onChange={pick} />
      {kind === "json" && (
        <JsonField
          path="data.body"
          title="JSON"
          help={'"{{order}}" in quotes becomes the value itself, and keeps its type.'}
          placeholder={'{ "id": "{{event.payload.id}}" }'}
          value={body}
          empty={null}
          onChange={(value) =>
            change.data("Edit body", { body: value ?? undefined, bodyType: "json" }, typed)
          }
        />
      )}
      {kind === "text" && (
        <ExpressionField
          path="data.body"
          title="Text"
          value={typeof body === "string" ? body : ""}
          onChange={(value) => change.data("Edit body", { body: value, bodyType: "text" }, typed)}
          lines
        />
      )}
      {kind === "form" && (
        <MapField
          path="data.body"
          title={null}
          word="field"
          value={body}
          onChange={(value) => change.data("Edit body", { body: value, bodyType: "form" }, typed)}
        />
      )}
    </div>
  );
}

function plainTexts(object: object): Record<string, string> {
  const texts = Object.entries(object).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return Object.fromEntries(texts);
}
