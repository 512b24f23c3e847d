/** Fields without expressions: texts, numbers, choices, switches, workflows of the project. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ExternalLink } from "lucide-react";
import { useEffect, useState } from "react";
import { queries } from "@/api/queries";
import { cx } from "@/design/cx";
import { Input, Select, Switch, Textarea } from "@/design/field";
import { Row } from "./row";
import { type FormField, type Shape, spelled } from "./schema";
import { Segments } from "./segments";

export type FieldProps<T = unknown> = {
  field: FormField;
  path: string;
  value: T;
  /** `typed`: one of many changes that follow each other, as letters do. */
  onChange: (value: unknown, typed?: boolean) => void;
};

const common = ({ field, path }: Pick<FieldProps, "field" | "path">) => ({
  path,
  title: field.title,
  help: field.help,
  required: field.required,
});

const LONG = new Set(["sql", "text", "message", "prompt", "system", "html", "content", "body"]);

/** Whether a text is usually longer than a line. */
export function isLong(name: string): boolean {
  return LONG.has(name);
}

export function TextField({ field, path, value, onChange }: FieldProps) {
  const text = typeof value === "string" ? value : "";
  const change = (next: string) => onChange(next === "" && field.nullable ? null : next, true);
  return (
    <Row {...common({ field, path })}>
      {({ id, describedBy, invalid }) => {
        const shared = {
          id,
          value: text,
          placeholder: field.placeholder,
          "aria-describedby": describedBy,
          "aria-invalid": invalid || undefined,
        };
        return isLong(field.name) ? (
          <Textarea
            {...shared}
            spellCheck={false}
            className={cx(
              "field-sizing-content max-h-60",
              field.name === "sql" && "font-mono text-table",
            )}
            onChange={(event) => change(event.target.value)}
          />
        ) : (
          <Input {...shared} onChange={(event) => change(event.target.value)} />
        );
      }}
    </Row>
  );
}

type NumberShape = Extract<Shape, { kind: "number" }>;

export function NumberField({ field, path, value, onChange }: FieldProps) {
  const shape = field.shape as NumberShape;
  const shown = typeof value === "number" || typeof value === "string" ? String(value) : "";
  const [text, setText] = useState(shown);
  useEffect(() => {
    setText((now) => (now.trim() !== "" && Number(now) === Number(shown) ? now : shown));
  }, [shown]);
  const change = (next: string) => {
    setText(next);
    if (next.trim() === "") {
      onChange(field.nullable ? null : undefined, true);
    } else if (Number.isFinite(Number(next))) {
      onChange(Number(next), true);
    }
  };
  return (
    <Row {...common({ field, path })}>
      {({ id, describedBy, invalid }) => (
        <Input
          id={id}
          type="number"
          inputMode={shape.whole ? "numeric" : "decimal"}
          step={shape.whole ? 1 : "any"}
          min={shape.least ?? undefined}
          max={shape.most ?? undefined}
          value={text}
          placeholder={field.placeholder || (field.nullable ? "none" : "")}
          aria-describedby={describedBy}
          aria-invalid={invalid || undefined}
          className="font-mono text-table"
          onChange={(event) => change(event.target.value)}
        />
      )}
    </Row>
  );
}

export function SwitchField({ field, path, value, onChange }: FieldProps) {
  return (
    <Row {...common({ field, path })} inline>
      {({ id }) => (
        <Switch
          id={id}
          label={field.title}
          checked={value === true}
          onChange={(next) => onChange(next)}
        />
      )}
    </Row>
  );
}

/** What stands for null in a choice: no value of a schema is called so. */
const NONE = "\u0000";

export function ChoiceField({ field, path, value, onChange }: FieldProps) {
  const { choices } = field.shape as Extract<Shape, { kind: "choice" }>;
  const all = [
    ...(field.nullable ? [{ value: NONE, label: "Automatic" }] : []),
    ...choices.map((one) => ({
      value: one,
      label: one === one.toUpperCase() ? one : spelled(one),
    })),
  ];
  const chosen = value === null || value === undefined ? NONE : String(value);
  const pick = (next: string) => onChange(next === NONE ? null : next);
  const short = all.length <= 4 && all.every((one) => one.label.length <= 14);
  return (
    <Row {...common({ field, path })} group={short}>
      {({ id }) =>
        short ? (
          <Segments label={field.title} value={chosen} choices={all} onChange={pick} />
        ) : (
          <Select id={id} label={field.title} value={chosen} choices={all} onChange={pick} />
        )
      }
    </Row>
  );
}

/** Another workflow or function of the project, by its name. */
export function WorkflowField({ field, path, value, onChange }: FieldProps) {
  const { shape } = field;
  const kind = shape.kind === "text" && shape.role === "function" ? "script" : "workflow";
  const { data: all = [], isPending } = useQuery(queries.workflows());
  const chosen = typeof value === "string" ? value : "";
  const choices = all
    .filter((one) => one.kind === kind)
    .map((one) => ({
      value: one.id,
      label: one.name,
      hint: one.activeDeploymentId ? "live" : "not deployed",
    }));
  const strange = chosen !== "" && !choices.some((one) => one.value === chosen);
  if (strange) choices.push({ value: chosen, label: chosen, hint: isPending ? "" : "not here" });
  const word = kind === "script" ? "function" : "workflow";
  return (
    <Row
      {...common({ field, path })}
      title={kind === "script" ? "Function" : "Workflow"}
      help={
        !isPending && choices.length === 0 ? `There is no ${word} in this project yet.` : field.help
      }
      aside={
        chosen && !strange ? (
          <Link
            to="/workflows/$id"
            params={{ id: chosen }}
            className="flex items-center gap-1 text-accent text-table hover:underline"
          >
            Open <ExternalLink size={12} />
          </Link>
        ) : undefined
      }
    >
      {({ id }) => (
        <Select
          id={id}
          label={kind === "script" ? "Function" : "Workflow"}
          value={chosen}
          choices={choices}
          placeholder={`Choose a ${word}`}
          onChange={(next) => onChange(next)}
        />
      )}
    </Row>
  );
}
