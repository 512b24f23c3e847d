import type { EditorView } from "@codemirror/view";
import { Maximize2 } from "lucide-react";
import { useCallback, useMemo, useRef, useState } from "react";
import { IconButton } from "@/design/button";
import { CodeEditor } from "@/design/code";
import type { CodeProblem } from "@/design/code-mirror";
import { Dialog } from "@/design/dialog";
import { completeCondition, completeTemplate } from "./completion";
import { useFocus, useForm } from "./context";
import { asExpression, asPython, exactly, parseTemplate, type Reference } from "./expressions";
import { InsertValue } from "./insert-value";
import { previewCondition, previewText } from "./preview";
import { PreviewLine } from "./preview-line";
import { isError, problemsAt } from "./problems";
import { Row } from "./row";

type ExpressionFieldProps = {
  path: string;
  title: string;
  help?: string;
  required?: boolean;
  placeholder?: string;
  value: string;
  onChange: (value: string) => void;
  /** Python in which `{{…}}` may stand, and not a text. */
  condition?: boolean;
  /** Grows with its lines from the start. */
  lines?: boolean;
  /** No label of its own: what is around it tells what it is. */
  bare?: boolean;
  className?: string;
};

/** A text in which values of other nodes stand. */
export function ExpressionField(props: ExpressionFieldProps) {
  const { path, title, help, required, bare, condition = false, value, onChange } = props;
  const [large, setLarge] = useState(false);
  const view = useRef<EditorView | null>(null);
  const { values } = useForm();
  const preview = useMemo(
    () => (condition ? previewCondition(value, values) : previewText(value, values)),
    [value, values, condition],
  );
  const insert = (reference: Reference) => put(view.current, spell(reference, condition));
  const tools = (
    <>
      <InsertValue onPick={insert} />
      {!bare && (
        <IconButton
          icon={Maximize2}
          label="Edit in a large window"
          size="small"
          side="left"
          onClick={() => setLarge(true)}
        />
      )}
    </>
  );
  return (
    <Row
      path={path}
      title={bare ? null : title}
      help={preview.kind === "plain" ? help : undefined}
      required={required}
      aside={bare ? undefined : tools}
      className={props.className}
      group
    >
      {({ describedBy, invalid }) => (
        <>
          <div className="flex items-start gap-0.5">
            <div className="min-w-0 flex-1">
              <ExpressionEditor
                {...{ ...props, describedBy, invalid }}
                onView={(one) => {
                  view.current = one;
                }}
              />
            </div>
            {bare && <div className="flex h-8 items-center">{tools}</div>}
          </div>
          <PreviewLine preview={preview} />
          {large && (
            <Dialog open onClose={() => setLarge(false)} title={title} width={840}>
              <div className="flex flex-col gap-2">
                <ExpressionEditor {...{ path, title, value, onChange, condition }} lines tall />
                <PreviewLine preview={preview} />
              </div>
            </Dialog>
          )}
        </>
      )}
    </Row>
  );
}

type ExpressionEditorProps = ExpressionFieldProps & {
  describedBy?: string;
  invalid?: boolean;
  onView?: (view: EditorView | null) => void;
  tall?: boolean;
};

function ExpressionEditor(props: ExpressionEditorProps) {
  const { path, title, value, onChange, condition, placeholder, lines, tall, onView } = props;
  const { readables, problems } = useForm();
  const [view, setView] = useState<EditorView | null>(null);
  // Once it has lines it stays an editor of lines: it would be made anew while somebody types.
  const several = useRef(lines || value.includes("\n"));
  if (value.includes("\n")) several.current = true;
  const complete = useMemo(
    () => (condition ? completeCondition(readables) : completeTemplate(readables)),
    [condition, readables],
  );
  const marks = useMarks(problems, path);
  useFocus(
    path,
    view !== null,
    useCallback(() => view?.focus(), [view]),
  );
  return (
    <CodeEditor
      label={title}
      language={condition ? "python" : "text"}
      value={value}
      onChange={onChange}
      single={!several.current}
      expressions
      wrap
      placeholder={placeholder}
      problems={marks}
      complete={complete}
      taking={condition ? (text) => pythonOf(text) : undefined}
      describedBy={props.describedBy}
      invalid={props.invalid}
      minHeight={tall ? 280 : several.current ? 48 : undefined}
      maxHeight={tall ? 480 : 240}
      onView={(one) => {
        setView(one);
        onView?.(one);
      }}
    />
  );
}

/** The problems of a field as marks in its text. */
export function useMarks(problems: Parameters<typeof problemsAt>[0], path: string): CodeProblem[] {
  return useMemo(
    () =>
      problemsAt(problems, path, false).map((one) => ({
        line: one.line ?? 1,
        column: one.column ?? 1,
        message: one.message,
        severity: isError(one) ? "error" : "warning",
      })),
    [problems, path],
  );
}

export function spell(reference: Reference, python: boolean): string {
  const { root, path } = reference;
  return python ? asPython(root, path) : `{{${asExpression(root, path)}}}`;
}

/** A whole expression that is dropped into Python becomes Python. */
export function pythonOf(text: string): string {
  try {
    const only = exactly(parseTemplate(text.trim()));
    return only ? asPython(only.root, only.path) : text;
  } catch {
    return text;
  }
}

/** Puts a text at the cursor, in the place of what is selected. */
export function put(view: EditorView | null, text: string): void {
  if (!view) return;
  view.dispatch(view.state.replaceSelection(text), { userEvent: "input.paste" });
  view.focus();
}
