import { useState } from "react";
import { ExpressionField } from "./expression-field";
import { JsonField } from "./json-field";
import { Segments } from "./segments";
import type { FieldProps } from "./small-fields";

type Form = "none" | "json" | "python";

function formOf(value: unknown): Form {
  if (typeof value === "string") return "python";
  return value === null || value === undefined ? "none" : "json";
}

const FORMS = [
  { value: "none", label: "Nothing" },
  { value: "json", label: "JSON" },
  { value: "python", label: "Python" },
] as const;

/** What is handed to another workflow: JSON with expressions in it, or a Python expression. */
export function InputField({ field, path, value, onChange }: FieldProps) {
  const [form, setForm] = useState<Form>(() => formOf(value));
  const shown = formOf(value) === "none" ? form : formOf(value);
  return (
    <div className="flex flex-col gap-1">
      {shown === "python" ? (
        <ExpressionField
          path={path}
          title={field.title}
          help={field.help || "A Python expression."}
          value={typeof value === "string" ? value : ""}
          onChange={(next) => onChange(next, true)}
          condition
          lines
        />
      ) : shown === "json" ? (
        <JsonField
          path={path}
          title={field.title}
          help={field.help}
          value={value}
          onChange={onChange}
        />
      ) : (
        <span className="font-medium text-soft text-table">{field.title}</span>
      )}
      <Segments
        label={`Form of ${field.title}`}
        value={shown}
        choices={FORMS}
        onChange={(next) => {
          setForm(next);
          onChange(next === "python" ? "" : next === "json" ? {} : null);
        }}
      />
    </div>
  );
}
