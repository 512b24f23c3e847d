import { Link } from "@tanstack/react-router";
import {
  CircleX,
  Hourglass,
  type LucideIcon,
  Rocket,
  TriangleAlert,
  Unplug,
  Variable,
} from "lucide-react";
import type { ReactNode } from "react";
import type { ListedWorkflow } from "@/api/queries";
import { cx } from "@/design/cx";
import { plural } from "@/design/format";
import { When } from "@/design/time";
import type { Attention } from "./attention";

const SHOWN = 12;

type AttentionListProps = { found: Attention[]; workflows: ListedWorkflow[] };

export function AttentionList({ found, workflows }: AttentionListProps) {
  const names = new Map(workflows.map((workflow) => [workflow.id, workflow.name]));
  return (
    <ul>
      {found.slice(0, SHOWN).map((one) => {
        const id = typeof one.workflow === "string" ? one.workflow : one.workflow.id;
        return (
          <li key={`${one.kind} ${id}`} className="border-b last:border-b-0">
            {line(one, names.get(id) ?? id)}
          </li>
        );
      })}
      {found.length > SHOWN && (
        <li className="px-4 py-2 text-muted text-table">and {found.length - SHOWN} more</li>
      )}
    </ul>
  );
}

const LINE = "flex items-start gap-3 px-4 py-2 hover:bg-hover";

function line(one: Attention, name: string): ReactNode {
  switch (one.kind) {
    case "crashed":
      return (
        <Link to="/workflows/$id/deployments" params={{ id: one.workflow.id }} className={LINE}>
          <Told icon={TriangleAlert} text="text-errored" name={name} what="takes no runs">
            {one.why}
          </Told>
        </Link>
      );
    case "request":
      return (
        <Link to="/workflows/$id/deployments" params={{ id: one.workflow.id }} className={LINE}>
          <Told
            icon={Unplug}
            text="text-errored"
            name={name}
            what="failed to answer a request"
            at={one.failure.at}
          >
            {`${one.failure.name}: ${one.failure.message}`}
          </Told>
        </Link>
      );
    case "errored": {
      const [newest] = one.runs;
      const only = one.runs.length === 1 ? newest : undefined;
      const content = (
        <Told
          icon={CircleX}
          text="text-errored"
          name={name}
          what={`${plural(one.runs.length, "run")} failed`}
          at={newest?.endedAt}
        >
          {newest?.error && `${newest.error.name}: ${newest.error.message}`}
        </Told>
      );
      return only ? (
        <Link
          to="/workflows/$id/runs/$run"
          params={{ id: only.workflowId, run: only.instanceId }}
          className={LINE}
        >
          {content}
        </Link>
      ) : (
        <Link
          to="/workflows/$id/runs"
          params={{ id: one.workflow }}
          search={{ status: "errored" }}
          className={LINE}
        >
          {content}
        </Link>
      );
    }
    case "waiting":
      return (
        <Link
          to="/workflows/$id/runs"
          params={{ id: one.workflow }}
          search={{ status: "waiting" }}
          className={LINE}
        >
          <Told
            icon={Hourglass}
            text="text-waiting"
            name={name}
            what={`${plural(one.runs.length, "run")} waiting for over an hour`}
            at={one.runs[0]?.createdAt}
          >
            Asleep, or waiting for an event that did not come yet.
          </Told>
        </Link>
      );
    case "missing":
      return (
        <Link to="/environment" className={LINE}>
          <Told
            icon={Variable}
            text="text-waiting"
            name={name}
            what={`asks for ${plural(one.names.length, "variable")} that ${one.names.length === 1 ? "is" : "are"} not set`}
          >
            <span className="font-mono">{one.names.join(", ")}</span>
          </Told>
        </Link>
      );
    case "undeployed":
      return (
        <Link to="/workflows/$id/versions" params={{ id: one.workflow.id }} className={LINE}>
          <Told
            icon={Rocket}
            text="text-soft"
            name={name}
            what={`version ${one.workflow.newestVersion} is saved, version ${one.workflow.liveVersion} is live`}
          />
        </Link>
      );
  }
}

type ToldProps = {
  icon: LucideIcon;
  text: string;
  name: string;
  what: string;
  at?: string | null;
  children?: ReactNode;
};

function Told({ icon: Icon, text, name, what, at, children }: ToldProps) {
  return (
    <>
      <Icon size={16} className={cx("mt-0.5 shrink-0", text)} />
      <span className="min-w-0 flex-1">
        <bdi className="font-medium">{name}</bdi> <span className="text-soft">{what}</span>
        {children && <span className="block truncate text-muted text-table">{children}</span>}
      </span>
      {at && (
        <span className="shrink-0 text-muted text-table">
          <When at={at} />
        </span>
      )}
    </>
  );
}
