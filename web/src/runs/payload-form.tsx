import { held, withField } from "@/forms/data";
import type { FormField } from "@/forms/schema";
import { SchemaField } from "@/forms/schema-field";

type PayloadFormProps = {
  fields: readonly FormField[];
  value: unknown;
  onChange: (value: Record<string, unknown>) => void;
};

/** A payload field by field, where the workflow says what it is made of. */
export function PayloadForm({ fields, value, onChange }: PayloadFormProps) {
  const data =
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {};
  return (
    <div className="flex flex-col gap-3">
      {fields.map((field) => (
        <SchemaField
          key={field.name}
          field={field}
          path={`params.${field.name}`}
          value={held(data, field)}
          onChange={(next) => onChange(withField(data, field, next))}
        />
      ))}
    </div>
  );
}
