import { CornerDownRight } from "lucide-react";
import { useState } from "react";
import { cx } from "@/design/cx";
import { JsonTree } from "@/design/json-tree";
import type { Preview } from "./preview";

/** What a text comes to with the values of the last run. Nothing for a text without expressions. */
export function PreviewLine({ preview }: { preview: Preview }) {
  const [whole, setWhole] = useState(false);
  if (preview.kind === "plain") return null;
  const { value } = preview.kind === "value" ? preview : { value: null };
  const tree = typeof value === "object" && value !== null;
  return (
    <div role="status" aria-label="Preview" className="flex min-w-0 gap-1.5 text-muted text-table">
      <CornerDownRight size={12} className="mt-[3px] shrink-0 text-faint" />
      {preview.kind === "waiting" ? (
        <span>No value of {preview.names.join(", ")} yet: run it once.</span>
      ) : preview.kind === "problem" ? (
        <span className="text-waiting">{preview.message}</span>
      ) : tree ? (
        <div className="max-h-48 min-w-0 flex-1 overflow-auto">
          <JsonTree value={value} open={0} />
        </div>
      ) : (
        <button
          type="button"
          title={whole ? "Show less" : "Show all of it"}
          onClick={() => setWhole(!whole)}
          className={cx(
            "min-w-0 text-left font-mono whitespace-pre-wrap break-words text-soft",
            !whole && "line-clamp-2",
          )}
        >
          {preview.text === "" ? <i className="font-sans text-muted">empty</i> : preview.text}
        </button>
      )}
    </div>
  );
}
