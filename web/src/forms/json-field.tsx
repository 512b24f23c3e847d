import type { EditorView } from "@codemirror/view";
import { useEffect, useMemo, useRef, useState } from "react";
import { CodeEditor } from "@/design/code";
import { completeTemplate } from "./completion";
import { useForm } from "./context";
import { same } from "./data";
import { put, spell } from "./expression-field";
import { exactly, parseTemplate } from "./expressions";
import { InsertValue } from "./insert-value";
import { faultOf } from "./json-place";
import { Row } from "./row";

type JsonFieldProps = {
  path: string;
  title: string;
  help?: string;
  required?: boolean;
  value: unknown;
  onChange: (value: unknown, typed?: boolean) => void;
  /** What an empty editor stands for. */
  empty?: unknown;
  placeholder?: string;
};

/** Free JSON, in whose texts expressions may stand; or one expression and nothing else. */
export function JsonField(props: JsonFieldProps) {
  const { path, title, help, required, value, onChange, empty = null, placeholder } = props;
  const { readables } = useForm();
  const view = useRef<EditorView | null>(null);
  const [text, setText] = useState(() => shown(value, empty));
  // What comes from outside is shown; what was typed here stays as it was typed.
  useEffect(() => {
    setText((now) => {
      const read = readJson(now, empty);
      return "value" in read && same(read.value, value) ? now : shown(value, empty);
    });
  }, [value, empty]);
  const fault = useMemo(() => {
    const read = readJson(text, empty);
    return "fault" in read ? read.fault : null;
  }, [text, empty]);
  const complete = useMemo(() => completeTemplate(readables), [readables]);
  const problems = useMemo(
    () => (fault ? [{ ...fault, severity: "error" as const }] : []),
    [fault],
  );
  const change = (next: string) => {
    setText(next);
    const read = readJson(next, empty);
    if ("value" in read) onChange(read.value, true);
  };
  return (
    <Row
      path={path}
      title={title}
      help={help}
      required={required}
      group
      aside={
        <InsertValue
          onPick={(reference) => {
            const written = spell(reference, false);
            const quoted = text.trim() !== "" && !insideQuotes(view.current);
            put(view.current, quoted ? JSON.stringify(written) : written);
          }}
        />
      }
    >
      {({ describedBy, invalid }) => (
        <>
          <CodeEditor
            label={title}
            language="json"
            value={text}
            onChange={change}
            expressions
            problems={problems}
            complete={complete}
            placeholder={placeholder}
            describedBy={describedBy}
            invalid={invalid || fault !== null}
            minHeight={text === "" ? 30 : 84}
            maxHeight={320}
            onView={(one) => {
              view.current = one;
            }}
          />
          {fault && (
            <p role="status" className="text-errored text-table">
              Line {fault.line}, column {fault.column}: {fault.message} It is not saved.
            </p>
          )}
        </>
      )}
    </Row>
  );
}

function shown(value: unknown, empty: unknown): string {
  if (value === undefined || same(value, empty)) return "";
  if (typeof value === "string" && isExpression(value)) return value;
  return JSON.stringify(value, null, 2);
}

function isExpression(text: string): boolean {
  try {
    return exactly(parseTemplate(text.trim())) !== null;
  } catch {
    return false;
  }
}

type Read = { value: unknown } | { fault: NonNullable<ReturnType<typeof faultOf>> };

function readJson(text: string, empty: unknown): Read {
  if (text.trim() === "") return { value: empty };
  if (isExpression(text)) return { value: text.trim() };
  const fault = faultOf(text);
  return fault ? { fault } : { value: JSON.parse(text) };
}

function insideQuotes(view: EditorView | null): boolean {
  if (!view) return false;
  const { head } = view.state.selection.main;
  const line = view.state.doc.lineAt(head);
  const before = line.text.slice(0, head - line.from).replace(/\\./g, "");
  return (before.split('"').length - 1) % 2 === 1;
}
