import { Rocket } from "lucide-react";
import type { FullWorkflow } from "@/api/queries";
import { Button } from "@/design/button";
import { CopyButton } from "@/design/copy";
import { cx } from "@/design/cx";
import { Tooltip } from "@/design/tooltip";
import { Conflict } from "@/editor/conflict";
import { useEditor } from "@/editor/store";

const SAVING = {
  saved: "Saved",
  unsaved: "Unsaved",
  saving: "Saving…",
  away: "Not saved: the server is away",
} as const;

/** Whether what was drawn is kept. */
export function SavingState() {
  const saving = useEditor((state) => state.saving);
  const changed = useEditor((state) => state.changed);
  if (saving === "conflict") return <Conflict />;
  if (saving === "saved" && !changed) return null;
  return (
    <span
      role="status"
      className={cx(
        "text-table whitespace-nowrap max-sm:hidden",
        saving === "away" ? "text-errored" : "text-muted",
      )}
    >
      {saving === "saved" ? "Draft saved" : SAVING[saving]}
    </span>
  );
}

export function DeployButton({ onClick }: { onClick: () => void }) {
  const errors = useEditor(
    (state) => state.problems.filter((problem) => problem.severity !== "warning").length,
  );
  return (
    <Tooltip text={errors > 0 ? "The graph has errors" : "Put it live"} keys="Mod+Enter">
      <Button look="primary" icon={Rocket} onClick={onClick}>
        Deploy
      </Button>
    </Tooltip>
  );
}

/** What is live, and where. */
export function LiveState({ workflow }: { workflow: FullWorkflow }) {
  const { deployment } = workflow;
  const state = deployment?.crashed
    ? { text: "Crashed", dot: "bg-errored", hint: deployment.crashed }
    : deployment?.status === "active"
      ? { text: "Live", dot: "bg-complete", hint: "It takes runs." }
      : { text: "Not deployed", dot: "bg-faint", hint: "Deploy it to start runs." };
  return (
    <span className="flex min-w-0 items-center gap-2 text-muted">
      <Tooltip text={state.hint}>
        <span className="flex items-center gap-1.5 whitespace-nowrap">
          <span className={cx("size-2 rounded-full", state.dot)} />
          {state.text}
        </span>
      </Tooltip>
      {deployment?.status === "active" && (
        <span className="flex min-w-0 items-center gap-1 max-xl:hidden">
          <span className="min-w-0 max-w-60 truncate font-mono text-table">{deployment.url}</span>
          <CopyButton text={deployment.url} label="Copy the Worker URL" />
        </span>
      )}
    </span>
  );
}
