import { CircleX, TriangleAlert } from "lucide-react";
import { useState } from "react";
import type { Detail } from "@/api/client";
import { plural } from "@/design/format";
import { useEditor } from "@/editor/store";
import { ProblemList } from "./problem-list";

/** How much is wrong, in a corner of the canvas; opened, what. */
export function Problems({ onOpen }: { onOpen: (problem: Detail) => void }) {
  const wrong = useEditor((state) => state.problems);
  const elsewhere = useEditor((state) => state.elsewhere);
  const problems = [...wrong, ...elsewhere];
  const empty = useEditor((state) => state.graph.nodes.length === 0);
  const [open, setOpen] = useState(false);
  const errors = problems.filter((problem) => problem.severity !== "warning").length;
  const warnings = problems.length - errors;
  // nothing is wrong with a page that nobody has drawn on
  if (empty || problems.length === 0) return null;
  return (
    <div className="absolute bottom-3 left-3 z-10 w-90 max-w-[calc(100%-24px)] overflow-hidden rounded-panel border bg-raised">
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className="flex h-8 w-full items-center gap-3 px-2.5 hover:bg-hover"
      >
        {errors > 0 && (
          <span className="flex items-center gap-1.5 text-errored">
            <CircleX size={14} /> {plural(errors, "error")}
          </span>
        )}
        {warnings > 0 && (
          <span className="flex items-center gap-1.5 text-waiting">
            <TriangleAlert size={14} /> {plural(warnings, "warning")}
          </span>
        )}
      </button>
      {open && (
        <div className="border-t">
          <ProblemList onOpen={onOpen} />
        </div>
      )}
    </div>
  );
}
