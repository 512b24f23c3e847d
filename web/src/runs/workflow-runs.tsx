import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Play, Rocket } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import { type FullWorkflow, queries } from "@/api/queries";
import type { RunFilter } from "@/app/router";
import { Button } from "@/design/button";
import { Command, CopyTextButton } from "@/design/copy";
import { Empty } from "@/design/empty";
import { NoMatch } from "./all-runs";
import { BulkBar } from "./bulk-bar";
import { curl, quoted } from "./curl";
import { isFiltered, runsAddress } from "./filter";
import { NOTHING, RunFilters } from "./run-filters";
import { RunList, type Selection } from "./run-list";
import { TriggerDialog } from "./trigger-dialog";
import { useRuns } from "./use-runs";

const COLUMNS = { selection: true, workflow: false, version: true };
const NONE: ReadonlySet<string> = new Set();

/** The runs of one workflow. */
export function WorkflowRuns() {
  const { id } = useParams({ from: "/shell/workflows/$id/runs" });
  const { trigger_dialog: triggering, ...filter } = useSearch({
    from: "/shell/workflows/$id/runs",
  });
  const navigate = useNavigate({ from: "/workflows/$id/runs" });
  const { data: workflow } = useQuery(queries.workflow(id));
  const { data: versions } = useQuery(queries.versions(id));
  const numbers = useMemo(
    () => new Map(versions?.map((version) => [version.id, version.version])),
    [versions],
  );
  const runs = useRuns(filter, id);
  const change = (next: RunFilter) =>
    void navigate({ search: (before) => ({ ...before, ...next }), replace: true });
  const ask = (open: boolean) =>
    void navigate({
      search: (before) => ({ ...before, trigger_dialog: open || undefined }),
      replace: true,
    });

  const [ids, setIds] = useState<ReadonlySet<string>>(NONE);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is selected belongs to the list
  useEffect(() => setIds(NONE), [runs.query]);
  const selection = useMemo<Selection>(() => ({ ids, set: setIds }), [ids]);
  const chosen = runs.feed.rows.filter((run) => ids.has(run.instanceId));

  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex flex-wrap items-center gap-2 border-b px-4 py-2 md:px-6">
        <RunFilters filter={filter} onChange={change} versions={versions} />
        <div className="ml-auto max-md:hidden">
          <CopyTextButton text={() => curl(runsAddress(id, runs.query))} label="Copy as curl" />
        </div>
      </div>
      <div className="relative min-h-0 flex-1">
        <RunList
          runs={runs}
          columns={COLUMNS}
          versions={numbers}
          selection={selection}
          empty={
            isFiltered(filter) ? (
              <NoMatch onClear={() => change(NOTHING)} />
            ) : (
              workflow && <NoRuns workflow={workflow} onTrigger={() => ask(true)} />
            )
          }
        />
        {chosen.length > 0 && (
          <BulkBar
            workflow={id}
            chosen={chosen}
            shown={runs.feed.rows.length}
            more={runs.feed.cursor !== null}
            query={runs.query}
            onClear={() => setIds(NONE)}
          />
        )}
      </div>
      {triggering && workflow && <TriggerDialog workflow={workflow} onClose={() => ask(false)} />}
    </div>
  );
}

type NoRunsProps = { workflow: FullWorkflow; onTrigger: () => void };

function NoRuns({ workflow, onTrigger }: NoRunsProps) {
  if (workflow.kind === "script") {
    return (
      <Empty icon={Play} title="A function has no runs">
        It answers each request at its Worker URL, and nothing of it is kept.
      </Empty>
    );
  }
  if (workflow.deployment?.status !== "active") {
    return (
      <Empty
        icon={Rocket}
        title="Nothing has run yet"
        action={
          <Link
            to="/workflows/$id"
            params={{ id: workflow.id }}
            className="inline-flex h-8 items-center rounded-control border border-line-strong px-3 font-medium hover:bg-hover"
          >
            To the canvas
          </Link>
        }
      >
        Deploy the workflow first; then it can be started from here, by the API and at its Worker
        URL.
      </Empty>
    );
  }
  const line = `curl -X POST ${quoted(workflow.deployment.url)} -H "Content-Type: application/json" -d '{"id": 1}'`;
  return (
    <Empty
      icon={Play}
      title="It is live, and nothing has run yet"
      action={
        <Button look="primary" icon={Play} onClick={onTrigger}>
          Trigger a run
        </Button>
      }
    >
      <p className="mb-3">Trigger a run here, or start one from anywhere at its Worker URL:</p>
      <div className="text-left">
        <Command text={line} />
      </div>
    </Empty>
  );
}
