import { CloudOff } from "lucide-react";
import type { Run } from "@/api/queries";
import { exact } from "@/design/format";
import { When } from "@/design/time";
import { Tooltip } from "@/design/tooltip";

/** A run where it can't be asked now: what is shown was read a while ago. Nothing for others. */
export function StaleMark({ run }: { run: Run }) {
  if (!run.stale || !run.readAt) return null;
  return (
    <Tooltip text={`Where it runs can't be asked now. Read ${exact(new Date(run.readAt))}.`}>
      <span className="relative z-10 flex shrink-0 items-center gap-1 text-muted text-small">
        <CloudOff size={12} className="shrink-0" />
        stale
      </span>
    </Tooltip>
  );
}

/** The same, where there is room to say when that was. */
export function StaleNote({ run }: { run: Run }) {
  if (!run.stale) return null;
  return (
    <span role="status" className="inline-flex items-center gap-1.5 text-muted text-table">
      <CloudOff size={13} className="shrink-0" />
      <span>
        stale: where it runs can't be asked now; read <When at={run.readAt} />
      </span>
    </span>
  );
}
