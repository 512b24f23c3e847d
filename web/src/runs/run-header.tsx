import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowLeft, Ellipsis } from "lucide-react";
import type { ReactNode } from "react";
import { type FullWorkflow, queries, type Run } from "@/api/queries";
import { Button, IconButton } from "@/design/button";
import { type Command, menuItem } from "@/design/commands";
import { Id } from "@/design/copy";
import { shorten } from "@/design/format";
import { Menu } from "@/design/menu";
import { State } from "@/design/state";
import { Lasting, When } from "@/design/time";
import { TRIGGERS } from "./filter";
import { useNarrow } from "./narrow";
import { StaleNote } from "./stale";

type RunHeaderProps = {
  run: Run;
  workflow: FullWorkflow | undefined;
  /** The number of its version. */
  version: number | undefined;
  commands: Command[];
};

/** The state of a run, what it is, and what can be done with it. */
export function RunHeader({ run, workflow, version, commands }: RunHeaderProps) {
  const narrow = useNarrow();
  const shown = narrow ? 0 : 4;
  const main = commands.filter((one) => !MENU_ONLY.has(one.id)).slice(0, shown);
  const rest = commands.filter((one) => !main.includes(one));
  const active = workflow?.deployment?.id === run.deploymentId;
  return (
    <header className="flex flex-wrap items-center gap-x-3 gap-y-2 border-b px-3 py-2 md:px-4">
      <Link
        to="/workflows/$id/runs"
        params={{ id: run.workflowId }}
        aria-label="All runs of the workflow"
        className="flex size-8 items-center justify-center rounded-control text-muted hover:bg-hover hover:text-ink"
      >
        <ArrowLeft size={16} />
      </Link>
      <h1 className="flex min-w-0 flex-wrap items-center gap-x-3">
        <State state={run.status} className="text-read" />
        <Id id={run.instanceId} />
      </h1>
      {run.pauseRequested && run.status !== "paused" && (
        <span className="text-paused text-table">pausing once attempts have ended</span>
      )}
      {run.rollingBack && <span className="text-table text-waiting">rolling back</span>}
      <StaleNote run={run} />
      <div className="ml-auto flex items-center gap-2">
        {main.map((command) => (
          <Button
            key={command.id}
            icon={command.icon}
            look={command.danger ? "danger" : "plain"}
            onClick={command.run}
          >
            {command.title}
          </Button>
        ))}
        <Menu
          trigger={<IconButton icon={Ellipsis} label="More to do with the run" look="plain" />}
          items={rest.map(menuItem)}
        />
      </div>
      <dl className="flex w-full flex-wrap gap-x-5 gap-y-1 text-table md:pl-11">
        <Fact name="Duration">
          <Lasting from={run.startedAt} to={run.endedAt} />
        </Fact>
        <Fact name="Started">
          <When at={run.startedAt ?? run.createdAt} />
        </Fact>
        <Fact name="Trigger">{TRIGGERS[run.trigger]}</Fact>
        {run.parent && (
          <Fact name="Started by">
            <ParentLink parent={run.parent} />
          </Fact>
        )}
        <Fact name="Version">
          <Link
            to="/workflows/$id/versions"
            params={{ id: run.workflowId }}
            search={{ version: run.versionId }}
            className="font-mono hover:text-accent hover:underline"
          >
            {version === undefined ? "…" : `v${version}`}
          </Link>
        </Fact>
        <Fact name="Deployment">
          <Id id={run.deploymentId} />
          {active && <span className="text-muted"> live</span>}
        </Fact>
        {run.epoch > 1 && <Fact name="Restarted">{times(run.epoch - 1)}</Fact>}
        {run.priority !== 0 && <Fact name="Priority">{run.priority}</Fact>}
      </dl>
    </header>
  );
}

/** The run that waits for this one; it may be deleted by now, which its page says. */
function ParentLink({ parent }: { parent: NonNullable<Run["parent"]> }) {
  const { data: workflows } = useQuery(queries.workflows());
  const name = workflows?.find((one) => one.id === parent.workflowId)?.name;
  return (
    <Link
      to="/workflows/$id/runs/$run"
      params={{ id: parent.workflowId, run: parent.instanceId }}
      className="hover:text-accent hover:underline"
    >
      {name ?? "a run"} <span className="font-mono">{shorten(parent.instanceId)}</span>
    </Link>
  );
}

const MENU_ONLY: ReadonlySet<string> = new Set(["run-curl", "run-delete"]);

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex gap-1.5 whitespace-nowrap">
      <dt className="text-muted">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
