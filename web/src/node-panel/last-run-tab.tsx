import { Link } from "@tanstack/react-router";
import { ArrowRight, RefreshCw } from "lucide-react";
import type { NodeType, Step } from "@/api/queries";
import { Button, IconButton } from "@/design/button";
import { SkeletonRows } from "@/design/empty";
import { plural } from "@/design/format";
import { JsonTree } from "@/design/json-tree";
import { Problem } from "@/design/problem";
import { State, type StateName } from "@/design/state";
import { Lasting, When } from "@/design/time";
import { useEditor } from "@/editor/store";
import { type GraphNode, isContainer } from "@/graph/model";
import { stepKey, triesOf } from "@/runs/history";
import { useLastRuns } from "./last-run";

/** What this node did in the last run that reached it. */
export function LastRunTab({ node, type }: { node: GraphNode; type: NodeType | undefined }) {
  const workflow = useEditor((state) => state.workflow);
  const { data, error, isFetching, refetch } = useLastRuns();
  if (error) {
    return (
      <div className="p-4">
        <Problem error={error} action={<Button onClick={() => void refetch()}>Try again</Button>} />
      </div>
    );
  }
  if (!data) return <SkeletonRows rows={4} />;
  const last = data.nodes.get(node.id);
  const again = (
    <IconButton
      icon={RefreshCw}
      label="Look again"
      size="small"
      side="left"
      disabled={isFetching}
      onClick={() => void refetch()}
    />
  );
  if (!last) {
    return (
      <div className="flex items-start gap-2 p-4 text-muted">
        <p className="flex-1">{whyNothing(node, type, data.runs.length)}</p>
        {again}
      </div>
    );
  }
  const { run, step } = last;
  return (
    <div className="flex flex-col gap-3 p-4">
      <div className="flex items-center gap-3">
        <State state={step.status as StateName} />
        <Lasting from={step.startedAt} to={step.endedAt} />
        <span className="flex-1 text-muted text-table">
          <When at={step.startedAt} />
          {triesOf(step) > 1 && ` · ${plural(triesOf(step), "attempt")}`}
        </span>
        {again}
      </div>
      {step.error && <StepError error={step.error} />}
      {last.known && (
        <section aria-label="Value" className="flex flex-col gap-1">
          <h3 className="font-medium text-soft text-table">Value</h3>
          <div className="overflow-auto rounded-control border bg-ground p-2">
            <JsonTree value={last.value} path={node.id} open={3} />
          </div>
          <p className="text-muted text-table">A click on a name copies its path.</p>
        </section>
      )}
      <Link
        to="/workflows/$id/runs/$run"
        params={{ id: workflow, run: run.instanceId }}
        search={{ step: stepKey(step) }}
        className="flex items-center gap-1 self-start text-accent hover:underline"
      >
        Open the run <ArrowRight size={14} />
      </Link>
    </div>
  );
}

function StepError({ error }: { error: NonNullable<Step["error"]> }) {
  return (
    <div className="flex flex-col gap-1 rounded-control border border-errored/40 bg-errored/5 p-2">
      <p className="font-medium text-errored">{error.name}</p>
      <p className="break-words">{error.message}</p>
    </div>
  );
}

function whyNothing(node: GraphNode, type: NodeType | undefined, runs: number): string {
  if (runs === 0)
    return "It has not run yet. Deploy the workflow and trigger it: then its value is shown here.";
  if (isContainer(node.type) || type?.hasValue === false) {
    return "It has no step of its own: what it led to is told by the nodes around it.";
  }
  return "None of the last runs reached it.";
}
