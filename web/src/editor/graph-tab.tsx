import { CircleX } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { Button } from "@/design/button";
import { CodeEditor } from "@/design/code";
import { CopyButton } from "@/design/copy";
import { told } from "@/design/toast";
import { asJson, type Graph } from "@/graph/model";
import { type ReadFault, readGraph } from "./read-graph";
import { useEditor, useEditorStore } from "./store";

function textOf(graph: Graph): string {
  return JSON.stringify(asJson(graph), null, 2);
}

/** The graph as it is saved. What is changed here is taken over at once, or not at all. */
export function GraphTab() {
  const store = useEditorStore();
  const graph = useEditor((state) => state.graph);
  const now = useMemo(() => textOf(graph), [graph]);
  const [text, setText] = useState(now);
  const [faults, setFaults] = useState<ReadFault[]>([]);
  const before = useRef(now);
  const changed = text !== before.current;
  const behind = changed && now !== before.current;

  useEffect(() => {
    if (now === before.current || text !== before.current) return;
    before.current = now;
    setText(now);
  }, [now, text]);

  const marks = useMemo(
    () => faults.map((fault) => ({ ...fault, severity: "error" as const })),
    [faults],
  );
  const start = (next: string) => {
    before.current = next;
    setText(next);
    setFaults([]);
  };
  const apply = () => {
    const read = readGraph(text, graph.kind);
    if (read.faults) return setFaults(read.faults);
    store.getState().edit("Edit JSON", () => read.graph);
    start(textOf(store.getState().graph));
    told("The graph is as written.", () => store.getState().undo());
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys of the editor inside
    <div
      className="flex h-full flex-col"
      onKeyDown={(event) => {
        if (event.key !== "s" || !(event.metaKey || event.ctrlKey)) return;
        event.preventDefault();
        if (changed) apply();
      }}
    >
      <div className="flex flex-wrap items-center gap-2 border-b px-3 py-1.5">
        <p className="min-w-0 flex-1 basis-60 text-muted text-table">
          {behind
            ? "The drawing has changed since: applying puts this text in its place."
            : "The drawing as it is saved. Change it and apply: one step to undo."}
        </p>
        <CopyButton text={text} label="Copy the graph" />
        <Button look="ghost" className="h-7! px-2!" disabled={!changed} onClick={() => start(now)}>
          Discard
        </Button>
        <Button look="primary" className="h-7! px-2.5!" disabled={!changed} onClick={apply}>
          Apply
        </Button>
      </div>
      {faults.length > 0 && (
        <ul
          role="alert"
          className="max-h-28 overflow-auto border-b px-3 py-1.5 text-errored text-table"
        >
          {faults.map((fault) => (
            <li key={`${fault.line} ${fault.message}`} className="flex gap-1.5">
              <CircleX size={12} className="mt-[3px] shrink-0" />
              {(fault.line > 1 || fault.column > 1) &&
                `Line ${fault.line}, column ${fault.column}: `}
              {fault.message}
            </li>
          ))}
        </ul>
      )}
      <div className="min-h-0 flex-1">
        <CodeEditor
          fill
          lineNumbers
          label="Graph as JSON"
          language="json"
          value={text}
          onChange={(next) => {
            setText(next);
            if (faults.length > 0) setFaults([]);
          }}
          problems={marks}
        />
      </div>
    </div>
  );
}
