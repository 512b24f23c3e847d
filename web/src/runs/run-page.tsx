import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { ChartGantt, FoldHorizontal, ListTree, Trash2, Workflow } from "lucide-react";
import { useMemo, useState } from "react";
import { type NodeType, queries, type Run, type Step } from "@/api/queries";
import { useTitle } from "@/app/page";
import type { RunView } from "@/app/router";
import { Button } from "@/design/button";
import { useCommands } from "@/design/commands";
import { cx } from "@/design/cx";
import { Empty, SkeletonRows } from "@/design/empty";
import { plural, shorten } from "@/design/format";
import { Keys } from "@/design/keys";
import { Problem } from "@/design/problem";
import { graphFrom } from "@/graph/from";
import type { Graph } from "@/graph/model";
import { EventLog } from "./event-log";
import { stepKey } from "./history";
import { useRunActions } from "./run-actions";
import { RunCanvas } from "./run-canvas";
import { RunDetail } from "./run-detail";
import { RunHeader } from "./run-header";
import { Away } from "./run-list";
import { StepDetail, type StepTab } from "./step-detail";
import { type FollowedRun, useRun } from "./use-run";
import { Waterfall } from "./waterfall";

/** A run: its timeline, its drawing or its event log, and beside it the step that is selected. */
export function RunPage() {
  const { id, run } = useParams({ from: "/shell/workflows/$id/runs/$run" });
  return <FollowRun key={`${id} ${run}`} id={id} instance={run} />;
}

function FollowRun({ id, instance }: { id: string; instance: string }) {
  const followed = useRun(id, instance);
  useTitle(`Run ${shorten(instance)}`);
  const back = (
    <Link to="/workflows/$id/runs" params={{ id }} className="text-accent hover:underline">
      All runs of the workflow
    </Link>
  );
  if (followed.error) {
    return (
      <div className="mx-auto max-w-140 p-6">
        <Problem error={followed.error} action={back} />
      </div>
    );
  }
  if (followed.deleted) {
    return (
      <Empty icon={Trash2} title="This run was deleted" action={back}>
        It is gone with its history.
      </Empty>
    );
  }
  if (!followed.run) {
    return (
      <div className="relative h-full">
        <SkeletonRows rows={10} />
        {followed.stream === "away" && <Away />}
      </div>
    );
  }
  return <Shown followed={followed} run={followed.run} />;
}

const VIEWS: { value: RunView; label: string; icon: typeof Workflow }[] = [
  { value: "timeline", label: "Timeline", icon: ChartGantt },
  { value: "canvas", label: "Canvas", icon: Workflow },
  { value: "events", label: "Event log", icon: ListTree },
];

function Shown({ followed, run }: { followed: FollowedRun; run: Run }) {
  const { steps, stream, changed } = followed;
  const {
    step: selected,
    view = "timeline",
    tab,
  } = useSearch({
    from: "/shell/workflows/$id/runs/$run",
  });
  const navigate = useNavigate({ from: "/workflows/$id/runs/$run" });
  const { data: workflow } = useQuery(queries.workflow(run.workflowId));
  const { data: version } = useQuery(queries.version(run.workflowId, run.versionId));
  const { data: list } = useQuery(queries.nodeTypes());
  const types = useMemo(() => new Map(list?.map((type) => [type.type, type])), [list]);
  const graph = useMemo(() => graphOf(version?.ir), [version]);
  const undoes = useMemo(
    () => JSON.stringify(version?.ir ?? {}).includes('"rollback":"'),
    [version],
  );
  const [real, setReal] = useState(false);
  const actions = useRunActions({ run, steps, workflow, undoes, onChanged: changed });

  const show = (next: { step?: string; view?: RunView; tab?: string }) =>
    void navigate({ search: (before) => ({ ...before, ...next }), replace: true });
  const setView = (next: RunView) => show({ view: next === "timeline" ? undefined : next });
  const step = steps.find((one) => stepKey(one) === selected);
  useCommands([
    {
      id: "run-view",
      title: "Next view of the run",
      group: "Run",
      icon: Workflow,
      keys: "V",
      run: () => {
        const at = VIEWS.findIndex((one) => one.value === view);
        setView((VIEWS[(at + 1) % VIEWS.length] as (typeof VIEWS)[number]).value);
      },
    },
    {
      id: "run-fold",
      title: real ? "Fold idle time" : "Show idle time at its length",
      group: "Run",
      icon: FoldHorizontal,
      keys: "F",
      run: () => setReal(!real),
    },
  ]);

  return (
    <div className="flex h-full min-h-0 flex-col short:overflow-auto">
      <RunHeader
        run={run}
        workflow={workflow}
        version={version?.version}
        commands={actions.commands}
      />
      <div className="relative flex min-h-0 flex-1 max-md:flex-col short:flex-none short:md:h-[calc(100dvh-6rem)]">
        <div className="flex min-h-0 min-w-0 flex-1 flex-col max-md:flex-[3] short:max-md:h-[calc(100dvh-8.5rem)] short:max-md:flex-none">
          <ViewBar view={view} onView={setView}>
            <span className="text-muted text-table max-sm:hidden">
              {plural(steps.length, "step")}
            </span>
            {view === "timeline" && (
              <Button
                look="ghost"
                icon={FoldHorizontal}
                aria-pressed={!real}
                onClick={() => setReal(!real)}
                className="h-7! aria-pressed:text-accent"
              >
                Fold idle
              </Button>
            )}
          </ViewBar>
          <div className="min-h-0 flex-1">
            <View
              {...{ view, run, steps, graph, types, real }}
              step={step}
              selected={selected}
              loaded={version !== undefined}
              onSelect={(key) => show({ step: key, tab: undefined })}
            />
          </div>
        </div>
        <aside
          aria-label={step ? `Step ${step.name}` : "The run"}
          className="min-h-0 w-100 shrink-0 overflow-auto border-l max-md:w-full max-md:flex-[2] max-md:border-t max-md:border-l-0 short:max-md:flex-none xl:w-120"
        >
          {step ? (
            <StepDetail
              {...{ run, step, steps, graph, types }}
              tab={tab as StepTab | undefined}
              onTab={(next) => show({ tab: next })}
              onClose={() => show({ step: undefined, tab: undefined })}
              onRestart={() => actions.restart(step)}
              onEvent={actions.sendEvent}
            />
          ) : (
            <RunDetail
              run={run}
              steps={steps}
              onSelect={(key) => show({ step: key, tab: undefined })}
              onEvent={actions.sendEvent}
            />
          )}
        </aside>
        {stream === "away" && <Away />}
      </div>
      {actions.dialogs}
    </div>
  );
}

/** A version that a person wrote as a module has no drawing. */
function graphOf(ir: Record<string, unknown> | null | undefined): Graph | undefined {
  return ir && Array.isArray(ir.nodes) ? graphFrom(ir, "") : undefined;
}

type ViewBarProps = { view: RunView; onView: (view: RunView) => void; children: React.ReactNode };

function ViewBar({ view, onView, children }: ViewBarProps) {
  return (
    <div className="flex items-center gap-3 border-b px-3 py-1.5">
      <fieldset aria-label="View" className="flex rounded-control border bg-sunken p-0.5">
        {VIEWS.map(({ value, label, icon: Icon }) => (
          <button
            key={value}
            type="button"
            aria-pressed={view === value}
            onClick={() => onView(value)}
            className={cx(
              "flex h-6 items-center gap-1.5 rounded-[4px] px-2 text-table",
              view === value ? "bg-surface text-ink" : "text-muted hover:text-ink",
            )}
          >
            <Icon size={13} />
            {label}
          </button>
        ))}
      </fieldset>
      <span className="max-md:hidden">
        <Keys keys="V" />
      </span>
      <div className="ml-auto flex items-center gap-2">{children}</div>
    </div>
  );
}

type ViewProps = {
  view: RunView;
  run: Run;
  steps: readonly Step[];
  graph: Graph | undefined;
  types: ReadonlyMap<string, NodeType>;
  real: boolean;
  step: Step | undefined;
  selected: string | undefined;
  /** Whether the version is there. */
  loaded: boolean;
  onSelect: (key: string | undefined) => void;
};

function View(props: ViewProps) {
  const { view, run, steps, graph, types, real, step, selected, loaded, onSelect } = props;
  if (view === "events") {
    return (
      <EventLog
        run={run}
        selected={selected}
        onSelect={(name, count) => {
          const found = steps.find((one) => one.name === name && one.count === count);
          if (found) onSelect(stepKey(found));
        }}
      />
    );
  }
  if (view === "timeline") {
    return <Waterfall {...{ run, steps, graph, selected, onSelect, real }} />;
  }
  if (!loaded) return <SkeletonRows />;
  if (!graph) {
    return (
      <Empty icon={Workflow} title="Written by hand">
        This version is a Python module; there is no drawing of it.
      </Empty>
    );
  }
  return (
    <RunCanvas
      {...{ run, steps, graph, types }}
      selected={step?.nodeId ?? undefined}
      onSelect={(node) => {
        const found = node && steps.findLast((one) => one.nodeId === node);
        onSelect(found ? stepKey(found) : undefined);
      }}
    />
  );
}
