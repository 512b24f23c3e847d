import { Download } from "lucide-react";
import type { Detail } from "@/api/client";
import { IconButton } from "@/design/button";
import { CodeEditor } from "@/design/code";
import { CopyButton } from "@/design/copy";
import { cx } from "@/design/cx";
import { SkeletonRows } from "@/design/empty";
import { plural } from "@/design/format";
import { Problem } from "@/design/problem";
import { isError } from "@/forms/problems";
import { ProblemLine } from "@/forms/row";
import { nodeAt, useCompiled } from "./compiled";
import { useEditor } from "./store";

/** The module as compiled now: a line leads to its node, the selected node to its lines. */
export function CodeTab({ onNode }: { onNode: (id: string) => void }) {
  const { data, error, isPlaceholderData } = useCompiled();
  const selected = useEditor((state) => (state.selected.size === 1 ? [...state.selected][0] : ""));
  const name = useEditor((state) => state.graph.metadata.name);
  if (error) {
    return (
      <div className="max-w-140 p-4">
        <Problem error={error} />
      </div>
    );
  }
  if (!data) return <SkeletonRows />;
  if (data.problems) return <Refused problems={data.problems} onNode={onNode} />;
  const { code, lines } = data;
  const marked = (selected && lines[selected]) || null;
  return (
    <div className="relative h-full">
      <div className={cx("h-full transition-opacity", isPlaceholderData && "opacity-60")}>
        <CodeEditor
          fill
          readOnly
          lineNumbers
          label="Compiled module"
          language="python"
          value={code}
          marked={marked}
          onLine={(line) => {
            const node = nodeAt(lines, line);
            if (node && node !== selected) onNode(node);
          }}
        />
      </div>
      <div className="absolute top-1 right-3 flex rounded-control border bg-surface">
        <CopyButton text={code} label="Copy the module" />
        <IconButton
          icon={Download}
          label="Download the module"
          size="small"
          onClick={() => download(`${fileName(name)}.py`, code)}
        />
      </div>
    </div>
  );
}

type RefusedProps = { problems: Detail[]; onNode: (id: string) => void };

function Refused({ problems: all, onNode }: RefusedProps) {
  const details = all.filter(isError);
  return (
    <div className="flex max-w-180 flex-col gap-2 p-4">
      <p className="font-medium">It does not compile: {plural(details.length, "problem")}.</p>
      <ul className="flex flex-col gap-1">
        {details.map((problem) => (
          <li
            key={`${problem.code} ${problem.nodeId} ${problem.path} ${problem.line} ${problem.message}`}
          >
            {problem.nodeId ? (
              <button
                type="button"
                onClick={() => onNode(problem.nodeId as string)}
                className="-mx-1.5 rounded-control px-1.5 py-0.5 text-left hover:bg-hover"
              >
                <code className="font-mono text-muted text-table">{problem.nodeId}</code>
                <ProblemLine problem={problem} />
              </button>
            ) : (
              <ProblemLine problem={problem} />
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

function fileName(name: string): string {
  return (
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "_")
      .replace(/^_+|_+$/g, "") || "workflow"
  );
}

export function download(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
