import type { EditorView } from "@codemirror/view";
import { Maximize2 } from "lucide-react";
import { useCallback, useMemo, useRef, useState } from "react";
import { IconButton } from "@/design/button";
import { CodeEditor } from "@/design/code";
import { Dialog } from "@/design/dialog";
import { completePython } from "./completion";
import { FormProvider, useFocus, useForm } from "./context";
import { put, pythonOf, spell, useMarks } from "./expression-field";
import { InsertValue } from "./insert-value";
import type { Readable } from "./readables";
import { Row } from "./row";

type CodeFieldProps = {
  path: string;
  title: string;
  help?: string;
  required?: boolean;
  placeholder?: string;
  value: string;
  onChange: (value: string) => void;
  /** Names besides the values of other nodes. */
  also: readonly Readable[];
  minHeight?: number;
};

/** Python of a node, with the names it may read below. */
export function CodeField(props: CodeFieldProps) {
  const { path, title, help, required, also } = props;
  const form = useForm();
  const [large, setLarge] = useState(false);
  const view = useRef<EditorView | null>(null);
  const readables = useMemo(() => [...form.readables, ...also], [form.readables, also]);
  return (
    <FormProvider readables={readables} problems={form.problems} focus={form.focus}>
      <Row
        path={path}
        title={title}
        help={help}
        required={required}
        group
        aside={
          <>
            <InsertValue onPick={(reference) => put(view.current, spell(reference, true))} />
            <IconButton
              icon={Maximize2}
              label="Edit in a large window"
              size="small"
              side="left"
              onClick={() => setLarge(true)}
            />
          </>
        }
      >
        {({ describedBy, invalid }) => (
          <>
            <PythonEditor
              {...{ ...props, describedBy, invalid }}
              onView={(one) => {
                view.current = one;
              }}
            />
            <Names readables={readables} onPick={(name) => put(view.current, name)} />
            {large && (
              <Dialog open onClose={() => setLarge(false)} title={title} width={960}>
                <div className="flex flex-col gap-2">
                  <PythonEditor {...props} tall />
                  <Names readables={readables} />
                </div>
              </Dialog>
            )}
          </>
        )}
      </Row>
    </FormProvider>
  );
}

type PythonEditorProps = Omit<CodeFieldProps, "also"> & {
  describedBy?: string;
  invalid?: boolean;
  onView?: (view: EditorView | null) => void;
  tall?: boolean;
};

function PythonEditor(props: PythonEditorProps) {
  const { path, title, value, onChange, placeholder, tall, onView, minHeight = 132 } = props;
  const { readables, problems } = useForm();
  const [view, setView] = useState<EditorView | null>(null);
  const complete = useMemo(() => completePython(readables), [readables]);
  const marks = useMarks(problems, path);
  useFocus(
    path,
    view !== null,
    useCallback(
      (problem) => {
        if (!view) return;
        const { doc } = view.state;
        const line = doc.line(Math.min(Math.max(1, problem.line ?? 1), doc.lines));
        const anchor = Math.min(line.to, line.from + Math.max(0, (problem.column ?? 1) - 1));
        view.dispatch({ selection: { anchor }, scrollIntoView: true });
        view.focus();
        view.dom.scrollIntoView({ block: "nearest" });
      },
      [view],
    ),
  );
  return (
    <CodeEditor
      label={title}
      language="python"
      value={value}
      onChange={onChange}
      placeholder={placeholder}
      problems={marks}
      complete={complete}
      taking={pythonOf}
      lineNumbers={tall}
      describedBy={props.describedBy}
      invalid={props.invalid}
      minHeight={tall ? 420 : minHeight}
      maxHeight={tall ? 560 : 380}
      onView={(one) => {
        setView(one);
        onView?.(one);
      }}
    />
  );
}

type NamesProps = { readables: readonly Readable[]; onPick?: (name: string) => void };

/** The names that are there, for those who forgot them. */
function Names({ readables, onPick }: NamesProps) {
  return (
    <p className="flex flex-wrap gap-x-2.5 gap-y-0.5 text-muted text-table">
      <span>It may read</span>
      {readables.map(({ name, title }) =>
        onPick ? (
          <button
            key={name}
            type="button"
            title={title}
            onClick={() => onPick(name)}
            className="rounded-[4px] font-mono text-soft hover:text-accent hover:underline"
          >
            {name}
          </button>
        ) : (
          <span key={name} title={title} className="font-mono text-soft">
            {name}
          </span>
        ),
      )}
    </p>
  );
}
