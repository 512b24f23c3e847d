import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Blocks, CircleCheck, Plus } from "lucide-react";
import type { ReactNode } from "react";
import { type ListedWorkflow, queries, type Run } from "@/api/queries";
import { Page } from "@/app/page";
import { Skeleton } from "@/design/empty";
import { Problem } from "@/design/problem";
import { State } from "@/design/state";
import { Lasting, useNow, When } from "@/design/time";
import { useGraphs, useMissing } from "@/environment/use-uses";
import { attention } from "./attention";
import { AttentionList } from "./attention-list";
import { TourCard } from "./tour-card";
import { useHomeRuns } from "./use-runs";

const TILE =
  "flex h-8 items-center gap-1.5 rounded-control border border-line-strong bg-surface px-3 font-medium hover:bg-hover";

/** What needs somebody, what runs now, and where one was. */
export function Home() {
  const { data: workflows, error } = useQuery(queries.workflows());
  const { recent, errored, waiting, error: failed } = useHomeRuns();
  const absent = useMissing(useGraphs());
  const now = useNow();
  const loaded = workflows && recent && errored && waiting;
  const found = loaded
    ? attention({
        workflows,
        errored,
        waiting,
        missing: absent.map(({ workflow, names }) => ({ workflow, names })),
        now,
      })
    : [];
  return (
    <Page
      title="Home"
      actions={
        <>
          <Link to="/templates" className={TILE}>
            <Blocks size={14} /> Templates
          </Link>
          <Link
            to="/workflows"
            search={{ new: true }}
            className="flex h-8 items-center gap-1.5 rounded-control bg-accent px-3 font-medium text-on-accent hover:bg-accent-strong"
          >
            <Plus size={14} /> New workflow
          </Link>
        </>
      }
    >
      <div className="mx-auto flex max-w-280 flex-col gap-4 p-4 md:p-6">
        {(error ?? failed) && <Problem error={error ?? failed} />}
        {loaded && <TourCard workflows={workflows} runs={recent} />}
        <Panel title="Needs attention" aside={found.length > 0 ? String(found.length) : undefined}>
          {!loaded && <Lines />}
          {loaded && found.length === 0 && (
            <p className="flex items-center gap-2 px-4 py-3 text-muted">
              <CircleCheck size={16} className="shrink-0 text-complete" />
              {workflows.length === 0
                ? "Nothing yet. Failed runs and requests, crashed deployments and forgotten waits will stand here."
                : "All is well: nothing failed within a day, nothing crashed, nothing waits for long."}
            </p>
          )}
          {loaded && found.length > 0 && <AttentionList found={found} workflows={workflows} />}
        </Panel>
        <div className="grid items-start gap-4 lg:grid-cols-2">
          <Panel title="Recent runs" link={<Link to="/runs">All runs</Link>}>
            {!loaded && <Lines />}
            {loaded && recent.length === 0 && (
              <p className="px-4 py-3 text-muted">
                Nothing has run yet. Deploy a workflow, then trigger it or call its Worker URL.
              </p>
            )}
            {loaded &&
              recent.map((run) => <RunLine key={run.id} run={run} workflows={workflows} />)}
          </Panel>
          <Panel title="Recent workflows" link={<Link to="/workflows">All workflows</Link>}>
            {!workflows && <Lines />}
            {workflows?.length === 0 && (
              <p className="px-4 py-3 text-muted">
                What you draw stands here. A template is the quickest start.
              </p>
            )}
            {[...(workflows ?? [])]
              .sort((a, b) => (a.updatedAt < b.updatedAt ? 1 : -1))
              .slice(0, 8)
              .map((workflow) => (
                <WorkflowLine key={workflow.id} workflow={workflow} />
              ))}
          </Panel>
        </div>
      </div>
    </Page>
  );
}

type PanelProps = { title: string; aside?: string; link?: ReactNode; children: ReactNode };

function Panel({ title, aside, link, children }: PanelProps) {
  return (
    <section aria-label={title} className="overflow-hidden rounded-panel border bg-raised">
      <div className="flex h-10 items-center gap-2 border-b px-4">
        <h2 className="font-semibold">{title}</h2>
        {aside && <span className="text-muted">{aside}</span>}
        <span className="ml-auto text-muted text-table [&>a:hover]:text-ink [&>a:hover]:underline">
          {link}
        </span>
      </div>
      {children}
    </section>
  );
}

function Lines() {
  return (
    <div className="flex flex-col gap-2 p-3">
      <Skeleton className="h-6" />
      <Skeleton className="h-6" />
      <Skeleton className="h-6" />
    </div>
  );
}

function RunLine({ run, workflows }: { run: Run; workflows: ListedWorkflow[] }) {
  return (
    <Link
      to="/workflows/$id/runs/$run"
      params={{ id: run.workflowId, run: run.instanceId }}
      className="flex h-9 items-center gap-3 border-b px-4 text-table last:border-b-0 hover:bg-hover"
    >
      <State state={run.status} className="w-24 shrink-0" />
      <span className="min-w-0 flex-1 truncate">
        {workflows.find((one) => one.id === run.workflowId)?.name ?? run.workflowId}
      </span>
      <span className="w-20 shrink-0 text-right text-muted max-sm:hidden">
        <Lasting from={run.startedAt} to={run.endedAt} />
      </span>
      <span className="w-16 shrink-0 text-right text-muted">
        <When at={run.createdAt} />
      </span>
    </Link>
  );
}

function WorkflowLine({ workflow }: { workflow: ListedWorkflow }) {
  const [text, word] = workflow.crashed
    ? ["text-errored", "Crashed"]
    : workflow.liveVersion === null
      ? ["text-muted", "Not deployed"]
      : ["text-complete", `Live ${workflow.liveVersion}`];
  return (
    <Link
      to="/workflows/$id"
      params={{ id: workflow.id }}
      className="flex h-9 items-center gap-3 border-b px-4 text-table last:border-b-0 hover:bg-hover"
    >
      <span className="min-w-0 flex-1 truncate">{workflow.name}</span>
      <span className={`flex shrink-0 items-center gap-1.5 ${text}`}>
        <span className="size-2 rounded-full bg-current" />
        {word}
      </span>
      <span className="w-16 shrink-0 text-right text-muted">
        <When at={workflow.updatedAt} />
      </span>
    </Link>
  );
}
