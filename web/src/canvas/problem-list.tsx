import { CircleX, TriangleAlert } from "lucide-react";
import type { Detail } from "@/api/client";
import { cx } from "@/design/cx";
import { useEditor } from "@/editor/store";

/** Everything wrong with the graph, or otherwise where it goes, exactly as `validate` gives it. */
export function ProblemList({ onOpen }: { onOpen: (problem: Detail) => void }) {
  const problems = useEditor((state) => state.problems);
  const elsewhere = useEditor((state) => state.elsewhere);
  const nodes = useEditor((state) => state.graph.nodes);
  const names = new Map(nodes.map((node) => [node.id, node.name]));
  const ordered = [...problems, ...elsewhere].sort((a, b) => rank(a) - rank(b));
  return (
    <ul aria-label="Problems" className="flex max-h-64 flex-col overflow-auto p-1">
      {ordered.map((problem) => (
        <li
          key={`${problem.code} ${problem.nodeId} ${problem.path} ${problem.line} ${problem.message}`}
        >
          <button
            type="button"
            onClick={() => onOpen(problem)}
            className="flex w-full items-start gap-2 rounded-control px-2 py-1.5 text-left hover:bg-hover"
          >
            {problem.severity === "warning" ? (
              <TriangleAlert size={14} className="mt-0.5 shrink-0 text-waiting" />
            ) : (
              <CircleX size={14} className="mt-0.5 shrink-0 text-errored" />
            )}
            <span className="min-w-0 flex-1">
              <span className="block break-words">{problem.message}</span>
              {problem.hint && <span className="block text-muted text-table">{problem.hint}</span>}
              <span className={cx("block font-mono text-muted text-small")}>
                {[
                  problem.nodeId && (names.get(problem.nodeId) ?? problem.nodeId),
                  problem.path,
                  problem.line && `line ${problem.line}`,
                  problem.code,
                ]
                  .filter(Boolean)
                  .join(" · ")}
              </span>
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function rank(problem: Detail): number {
  return problem.severity === "warning" ? 1 : 0;
}
