import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { ListFilter, Play } from "lucide-react";
import { useEffect, useMemo } from "react";
import { queries, type Run } from "@/api/queries";
import { Page } from "@/app/page";
import type { RunFilter } from "@/app/router";
import { Button } from "@/design/button";
import { CopyTextButton } from "@/design/copy";
import { Empty } from "@/design/empty";
import { curl } from "./curl";
import { isFiltered, runsAddress } from "./filter";
import { NOTHING, RunFilters } from "./run-filters";
import { RunList } from "./run-list";
import { useRuns } from "./use-runs";

const COLUMNS = { selection: false, workflow: true, version: false };

/** The runs of all workflows. */
export function AllRuns() {
  const filter = useSearch({ from: "/shell/runs" });
  const navigate = useNavigate({ from: "/runs" });
  const runs = useRuns(filter);
  const names = useNames(runs.feed.rows);
  const change = (next: RunFilter) =>
    void navigate({ search: (before) => ({ ...before, ...next }), replace: true });
  return (
    <Page
      title="Runs"
      actions={
        <CopyTextButton
          text={() => curl(runsAddress(undefined, runs.query))}
          label="Copy as curl"
        />
      }
      toolbar={<RunFilters filter={filter} onChange={change} />}
    >
      <RunList
        runs={runs}
        columns={COLUMNS}
        workflows={names}
        empty={isFiltered(filter) ? <NoMatch onClear={() => change(NOTHING)} /> : <NoRuns />}
      />
    </Page>
  );
}

/** The names of workflows; asked for again when runs of one that is new are listed. */
function useNames(rows: readonly Run[]): ReadonlyMap<string, string> {
  const { data: workflows, refetch } = useQuery(queries.workflows());
  const names = useMemo(() => new Map(workflows?.map((one) => [one.id, one.name])), [workflows]);
  const unknown = workflows && rows.find((run) => !names.has(run.workflowId))?.workflowId;
  useEffect(() => {
    if (unknown) void refetch();
  }, [unknown, refetch]);
  return names;
}

export function NoMatch({ onClear }: { onClear: () => void }) {
  return (
    <Empty
      icon={ListFilter}
      title="No run matches"
      action={<Button onClick={onClear}>Clear the filter</Button>}
    >
      None of the runs is like this, now. One that becomes so is shown at once.
    </Empty>
  );
}

function NoRuns() {
  return (
    <Empty
      icon={Play}
      title="Nothing has run yet"
      action={
        <Link
          to="/workflows"
          className="inline-flex h-8 items-center rounded-control bg-accent px-3 font-medium text-on-accent hover:bg-accent-strong"
        >
          Choose a workflow
        </Link>
      }
    >
      A run is one execution of a workflow. Start one from the workflow's page, by the API or at its
      Worker URL, and watch every step of it here.
    </Empty>
  );
}
