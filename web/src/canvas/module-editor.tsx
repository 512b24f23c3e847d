import { CodeEditor } from "@/design/code";
import { useEditor, useEditorStore } from "@/editor/store";

/** In the place of the canvas, where a workflow is a module written by hand. */
export function ModuleEditor() {
  const store = useEditorStore();
  const source = useEditor((state) => state.graph.module ?? "");
  const problems = useEditor((state) => state.problems);
  const inText = problems.map((problem) => ({
    line: problem.line ?? 1,
    column: problem.column ?? 1,
    message: problem.message,
    severity: problem.severity ?? ("error" as const),
  }));
  return (
    <div className="flex h-full flex-col">
      <p className="border-b px-4 py-1.5 text-muted text-table">
        This workflow is a module written by hand: its source is what is deployed.
      </p>
      <div className="min-h-0 flex-1">
        <CodeEditor
          fill
          lineNumbers
          label="Module"
          language="python"
          value={source}
          problems={inText}
          onChange={(module) =>
            store.getState().edit("Edit module", (graph) => ({ ...graph, module }), "module")
          }
        />
      </div>
    </div>
  );
}
