import { Braces, Clock } from "lucide-react";
import { useState } from "react";
import { IconButton } from "@/design/button";
import { Input, Select } from "@/design/field";
import { readDuration, UNITS, type Unit, writeDuration } from "./duration";
import { ExpressionField } from "./expression-field";
import { Row } from "./row";
import type { FieldProps } from "./small-fields";

/** A number and its unit, or an expression for them. */
export function DurationField({ field, path, value, onChange }: FieldProps) {
  const text = typeof value === "string" ? value : "";
  const known = readDuration(text === "" ? " seconds" : text);
  const [free, setFree] = useState(known === null);
  if (free || !known) {
    return (
      <div className="relative">
        <ExpressionField
          path={path}
          title={field.title}
          help={field.help || "As 10 seconds, or an expression."}
          required={field.required}
          value={text}
          onChange={(next) => onChange(next, true)}
        />
        {known && (
          <div className="absolute top-0 right-14">
            <IconButton
              icon={Clock}
              label="Number and unit"
              size="small"
              side="left"
              onClick={() => setFree(false)}
            />
          </div>
        )}
      </div>
    );
  }
  const change = (next: Partial<typeof known>) =>
    onChange(writeDuration({ ...known, ...next }), true);
  return (
    <Row
      path={path}
      title={field.title}
      help={field.help}
      required={field.required}
      aside={
        <IconButton
          icon={Braces}
          label="Use an expression"
          size="small"
          side="left"
          onClick={() => setFree(true)}
        />
      }
    >
      {({ id, describedBy, invalid }) => (
        <div className="flex gap-1.5">
          <Input
            id={id}
            inputMode="decimal"
            value={known.count}
            aria-describedby={describedBy}
            aria-invalid={invalid || undefined}
            className="font-mono text-table"
            onChange={(event) => {
              const count = event.target.value.trim();
              if (/^\d{0,12}(\.\d{0,6})?$/.test(count)) change({ count });
            }}
          />
          <Select<Unit>
            label={`Unit of ${field.title}`}
            value={known.unit}
            choices={UNITS.map((unit) => ({ value: unit, label: `${unit}s` }))}
            onChange={(unit) => change({ unit })}
            className="max-w-32"
          />
        </div>
      )}
    </Row>
  );
}
