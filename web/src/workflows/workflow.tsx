import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useParams } from "@tanstack/react-router";
import { Play, Rocket, Undo2 } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import { api, must } from "@/api/client";
import { type FullWorkflow, queries } from "@/api/queries";
import { TabLink, useTitle } from "@/app/page";
import { DeployDialog } from "@/deploy/deploy-dialog";
import { takeUp } from "@/deploy/deploying";
import { Button } from "@/design/button";
import { useCommands } from "@/design/commands";
import { SkeletonRows } from "@/design/empty";
import { Problem } from "@/design/problem";
import { useAutosave, useProblems } from "@/editor/keeping";
import { createEditor, EditorProvider, useEditor } from "@/editor/store";
import { graphFrom } from "@/graph/from";
import { emptyGraph, type Graph } from "@/graph/model";
import { TriggerDialog } from "@/runs/trigger-dialog";
import { useDiscard } from "./use-discard";
import { WorkflowName } from "./workflow-name";
import { DeployButton, LiveState, SavingState } from "./workflow-state";

type Loaded = { full: FullWorkflow; graph: Graph; revision: number; changed: boolean };

/** The graph to edit: the draft, else the newest version, else an empty one. */
async function load(id: string): Promise<Loaded> {
  const full = await must(api.GET("/api/workflows/{id}/full", { params: { path: { id } } }));
  const kept = full.draft?.ir ?? full.version?.ir;
  return {
    full,
    graph: kept ? graphFrom(kept, full.name) : emptyGraph(full.name, full.kind),
    revision: full.draft?.revision ?? 0,
    changed: full.draft !== null,
  };
}

/** A workflow: its name and state, its tabs, and the editor that all of them share. */
export function WorkflowPage() {
  const { id } = useParams({ from: "/shell/workflows/$id" });
  const editing = useQuery({
    queryKey: ["editing", id],
    queryFn: () => load(id),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
    // What was loaded again is edited anew, even where it is the same as at first.
    structuralSharing: false,
  });
  if (editing.error) {
    return (
      <div className="mx-auto max-w-140 p-6">
        <Problem
          error={editing.error}
          action={
            <Link to="/workflows" className="font-medium text-accent hover:underline">
              All workflows
            </Link>
          }
        />
      </div>
    );
  }
  if (!editing.data) return <SkeletonRows />;
  return <Editing key={id} loaded={editing.data} />;
}

function Editing({ loaded }: { loaded: Loaded }) {
  const store = useMemo(
    () =>
      createEditor({
        workflow: loaded.full.id,
        graph: loaded.graph,
        baseVersion: loaded.full.version?.id ?? null,
        changed: loaded.changed,
        revision: loaded.revision,
      }),
    [loaded],
  );
  return (
    <EditorProvider value={store}>
      <Keeping />
      <Frame start={loaded.full} />
    </EditorProvider>
  );
}

function Keeping() {
  useAutosave();
  useProblems();
  return null;
}

function Frame({ start }: { start: FullWorkflow }) {
  const { data: workflow = start } = useQuery({
    ...queries.workflow(start.id),
    initialData: start,
  });
  useTitle(workflow.name);
  const [deploying, setDeploying] = useState(false);
  const [triggering, setTriggering] = useState(false);
  const live = workflow.deployment?.status === "active";
  const cache = useQueryClient();
  useEffect(() => {
    if (takeUp(start.id, cache)) setDeploying(true);
  }, [start.id, cache]);
  const changed = useEditor((state) => state.changed);
  const discard = useDiscard(workflow);
  useCommands([
    {
      id: "deploy",
      title: "Deploy",
      group: "Workflow",
      icon: Rocket,
      keys: "Mod+Enter",
      whileTyping: true,
      run: () => setDeploying(true),
    },
    {
      id: "discard",
      title: "Discard the draft",
      group: "Workflow",
      icon: Undo2,
      disabled: !changed || !workflow.version,
      run: () => void discard(),
    },
    {
      id: "trigger",
      title: "Trigger a run",
      group: "Workflow",
      icon: Play,
      keys: "T",
      disabled: !live,
      run: () => setTriggering(true),
    },
  ]);
  const to = { id: workflow.id };
  return (
    <div className="flex h-full flex-col">
      <header className="flex flex-wrap items-center gap-x-3 border-b px-3 md:px-4 lg:flex-nowrap">
        <div className="flex h-11 min-w-0 items-center gap-2">
          <Link to="/workflows" className="text-muted hover:text-ink max-sm:hidden">
            Workflows
          </Link>
          <span className="text-faint max-sm:hidden">/</span>
          <WorkflowName workflow={workflow} />
          <LiveState workflow={workflow} />
        </div>
        <nav
          aria-label="Workflow"
          className="strip order-last flex gap-1 shrink-0 max-md:w-full lg:order-none lg:mx-auto"
        >
          <TabLink
            to="/workflows/$id"
            params={to}
            activeOptions={{ exact: true, includeSearch: false }}
          >
            Canvas
          </TabLink>
          <TabLink to="/workflows/$id/runs" params={to} activeOptions={{ includeSearch: false }}>
            Runs
          </TabLink>
          <TabLink to="/workflows/$id/deployments" params={to}>
            Deployments
          </TabLink>
          <TabLink
            to="/workflows/$id/versions"
            params={to}
            activeOptions={{ includeSearch: false }}
          >
            Versions
          </TabLink>
          <TabLink to="/workflows/$id/settings" params={to}>
            Settings
          </TabLink>
        </nav>
        <div className="ml-auto flex shrink-0 items-center gap-2 lg:ml-0">
          <SavingState />
          {live && (
            <Button icon={Play} onClick={() => setTriggering(true)}>
              Trigger
            </Button>
          )}
          <DeployButton onClick={() => setDeploying(true)} />
        </div>
      </header>
      <div className="min-h-0 flex-1">
        <Outlet />
      </div>
      {deploying && (
        <DeployDialog
          workflow={workflow}
          onClose={() => setDeploying(false)}
          onTrigger={() => {
            setDeploying(false);
            setTriggering(true);
          }}
        />
      )}
      {triggering && <TriggerDialog workflow={workflow} onClose={() => setTriggering(false)} />}
    </div>
  );
}
