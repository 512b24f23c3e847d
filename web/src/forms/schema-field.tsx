/** A field of a node's form, by the shape its schema gives it. */

import { Plus, Trash2 } from "lucide-react";
import { Button, IconButton } from "@/design/button";
import { CodeField } from "./code-field";
import { blank, held, withField } from "./data";
import { DurationField } from "./duration-field";
import { ExpressionField } from "./expression-field";
import { InputField } from "./input-field";
import { JsonField } from "./json-field";
import { MapField } from "./map-field";
import type { Readable } from "./readables";
import { Row } from "./row";
import type { FormField, Shape } from "./schema";
import { Segments } from "./segments";
import {
  ChoiceField,
  type FieldProps,
  isLong,
  NumberField,
  SwitchField,
  TextField,
  WorkflowField,
} from "./small-fields";

type SchemaFieldProps = FieldProps & {
  /** Names that code of this field may read besides those of nodes. */
  codeNames?: (field: FormField) => readonly Readable[];
};

export function SchemaField(props: SchemaFieldProps) {
  const { field, path, value, onChange } = props;
  const { shape, title, help, required, placeholder } = field;
  const common = { path, title, help, required, placeholder };
  switch (shape.kind) {
    case "text":
      return <RoleField {...props} role={shape.role} secret={shape.secret} />;
    case "number":
      return <NumberField {...props} />;
    case "switch":
      return <SwitchField {...props} />;
    case "choice":
      return <ChoiceField {...props} />;
    case "map":
      return <MapField {...common} value={value} onChange={onChange} />;
    case "union":
      return <UnionField {...props} />;
    case "record":
      return <RecordField {...props} fields={shape.fields} />;
    case "list":
      return <ListField {...props} fields={shape.of} />;
    default:
      return shape.role === "input" ? (
        <InputField {...props} />
      ) : (
        <JsonField {...common} value={value} empty={field.fallback} onChange={onChange} />
      );
  }
}

type RoleFieldProps = SchemaFieldProps & {
  role: Extract<Shape, { kind: "text" }>["role"];
  secret: string | null;
};

function RoleField({ role, secret, codeNames, ...props }: RoleFieldProps) {
  const { field, path, value, onChange } = props;
  const text = typeof value === "string" ? value : "";
  const { title, required } = field;
  const change = (next: string) => onChange(next === "" && field.nullable ? null : next, true);
  switch (role) {
    case "code":
    case "rollback":
      return (
        <CodeField
          {...{ path, title, required, placeholder: field.placeholder }}
          help={field.help}
          value={text}
          onChange={change}
          also={codeNames?.(field) ?? []}
          minHeight={role === "rollback" ? 84 : undefined}
        />
      );
    case "duration":
      return <DurationField {...props} />;
    case "workflow":
    case "function":
      return <WorkflowField {...props} />;
    case "template":
    case "timestamp":
    case "condition":
    case "input":
      return (
        <ExpressionField
          {...{ path, title, required }}
          help={field.help || (secret ? "Best kept as a secret of the environment." : "")}
          placeholder={
            field.placeholder ||
            (secret ? `{{env.${secret}}}` : role === "timestamp" ? "2027-01-31T09:00:00+01:00" : "")
          }
          value={text}
          onChange={change}
          condition={role === "condition"}
          lines={isLong(field.name)}
        />
      );
    default:
      return <TextField {...props} />;
  }
}

type FieldsProps = {
  fields: readonly FormField[];
  path: string;
  value: Record<string, unknown>;
  onChange: (value: Record<string, unknown>, typed?: boolean) => void;
  codeNames?: SchemaFieldProps["codeNames"];
};

/** The fields of a record, each of which changes the whole record. */
function Fields({ fields, path, value, onChange, codeNames }: FieldsProps) {
  return fields.map((field) => (
    <SchemaField
      key={field.name}
      field={field}
      path={`${path}.${field.name}`}
      value={held(value, field)}
      onChange={(next, typed) => onChange(withField(value, field, next), typed)}
      codeNames={codeNames}
    />
  ));
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

function RecordField({
  field,
  path,
  value,
  onChange,
  fields,
}: FieldProps & { fields: FormField[] }) {
  return (
    <Row path={path} title={field.title} help={field.help} whole={false} group>
      {() => (
        <div className="flex flex-col gap-3 border-l pl-3">
          <Fields fields={fields} path={path} value={recordOf(value)} onChange={onChange} />
        </div>
      )}
    </Row>
  );
}

const NONE = "none";

/** One of several forms, told apart by one of their fields; or none of them. */
export function UnionField({ field, path, value, onChange }: FieldProps) {
  const { by, options } = field.shape as Extract<Shape, { kind: "union" }>;
  const data = recordOf(value);
  const chosen = options.find((option) => option.value === data[by]);
  const choices = options.map(({ value: one, title }) => ({ value: one, label: title }));
  const pick = (next: string) => {
    const option = options.find((one) => one.value === next);
    onChange(option ? { [by]: next, ...blank(option.fields) } : null);
  };
  return (
    <Row path={path} title={field.title} help={field.help} whole={false} group>
      {() => (
        <div className="flex flex-col gap-3">
          <Segments
            label={field.title}
            value={chosen?.value ?? NONE}
            choices={field.nullable ? [{ value: NONE, label: "None" }, ...choices] : choices}
            onChange={pick}
          />
          {chosen && <Fields fields={chosen.fields} path={path} value={data} onChange={onChange} />}
        </div>
      )}
    </Row>
  );
}

function ListField({ field, path, value, onChange, fields }: FieldProps & { fields: FormField[] }) {
  const list = Array.isArray(value) ? value : [];
  return (
    <Row
      path={path}
      title={field.title}
      help={field.help}
      required={field.required}
      whole={false}
      group
    >
      {() => (
        <div className="flex flex-col gap-2">
          {list.map((one, index) => (
            <div
              // biome-ignore lint/suspicious/noArrayIndexKey: an entry has no other identity
              key={index}
              className="relative flex flex-col gap-2 rounded-control border bg-ground p-2"
            >
              <div className="absolute top-1 right-1">
                <IconButton
                  icon={Trash2}
                  label={`Remove ${index + 1}`}
                  size="small"
                  side="left"
                  onClick={() => onChange(list.filter((_, at) => at !== index))}
                />
              </div>
              <Fields
                fields={fields}
                path={`${path}[${index}]`}
                value={recordOf(one)}
                onChange={(next, typed) =>
                  onChange(
                    list.map((before, at) => (at === index ? next : before)),
                    typed,
                  )
                }
              />
            </div>
          ))}
          <Button
            look="ghost"
            icon={Plus}
            className="self-start px-2!"
            onClick={() => onChange([...list, blank(fields)])}
          >
            Add
          </Button>
        </div>
      )}
    </Row>
  );
}
