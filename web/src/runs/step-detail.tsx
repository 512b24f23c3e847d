import { Link } from "@tanstack/react-router";
import { BellRing, ExternalLink, RotateCcw, X } from "lucide-react";
import type { ReactNode } from "react";
import type { NodeType, Run, Step } from "@/api/queries";
import { FAMILIES, familyOf, iconOf } from "@/canvas/families";
import { Button, IconButton } from "@/design/button";
import { cx } from "@/design/cx";
import { exact } from "@/design/format";
import { JsonTree } from "@/design/json-tree";
import { State } from "@/design/state";
import { type Tab, Tabs } from "@/design/tabs";
import { Lasting, When } from "@/design/time";
import { type Graph, nodeOf } from "@/graph/model";
import { AttemptsView } from "./attempts-view";
import { ErrorView } from "./error-view";
import { triesOf } from "./history";
import { inputsOf } from "./inputs";
import { LogsView, logsOf } from "./logs-view";

const STEP_TABS = ["input", "output", "error", "logs", "attempts"] as const;
export type StepTab = (typeof STEP_TABS)[number];

type StepDetailProps = {
  run: Run;
  step: Step;
  steps: readonly Step[];
  graph: Graph | undefined;
  types: ReadonlyMap<string, NodeType>;
  tab: StepTab | undefined;
  onTab: (tab: StepTab) => void;
  onClose: () => void;
  onRestart: () => void;
  onEvent: (type: string) => void;
};

/** What a step read, answered, printed and tried. */
export function StepDetail(props: StepDetailProps) {
  const { run, step, steps, graph, types, onTab, onClose, onRestart, onEvent } = props;
  const node = graph && step.nodeId ? nodeOf(graph, step.nodeId) : undefined;
  const Icon = node && iconOf(node.type, types.get(node.type));
  const child = childOf(step, node);
  const error = step.error ?? step.attempts.findLast((attempt) => attempt.error)?.error ?? null;
  const tabs = tabsOf(props, error);
  const preferred = error && step.status !== "complete" ? "error" : "output";
  const tab = tabs.some((one) => one.value === props.tab) ? (props.tab as StepTab) : preferred;
  return (
    <div className="flex h-full min-h-0 flex-col">
      <header className="flex items-start gap-2.5 border-b p-3">
        {node && Icon && (
          <span
            className={cx(
              "mt-0.5 flex size-7 shrink-0 items-center justify-center rounded-control",
              FAMILIES[familyOf(node.type)].tile,
            )}
          >
            <Icon size={15} />
          </span>
        )}
        <div className="min-w-0 flex-1">
          <h2 className="font-semibold break-words">{step.name}</h2>
          <p className="flex flex-wrap items-center gap-x-3 text-table">
            <State state={step.status} />
            <span className="text-muted">
              <Lasting from={step.startedAt} to={step.endedAt} />
            </span>
            <span className="text-muted" title={exact(new Date(step.startedAt))}>
              <When at={step.startedAt} />
            </span>
          </p>
          <Standing step={step} />
          <div className="mt-2 flex flex-wrap gap-2 empty:hidden">
            {step.status === "waiting" && step.eventType && !child && (
              <Button icon={BellRing} onClick={() => onEvent(step.eventType as string)}>
                Send event
              </Button>
            )}
            {child && (
              <Link
                to="/workflows/$id/runs/$run"
                params={child}
                className="inline-flex h-8 items-center gap-1.5 rounded-control border border-line-strong px-3 font-medium hover:bg-hover"
              >
                <ExternalLink size={14} /> Open its run
              </Link>
            )}
            <Button icon={RotateCcw} onClick={onRestart}>
              Restart from here
            </Button>
          </div>
        </div>
        <IconButton icon={X} label="Close" keys="Escape" size="small" onClick={onClose} />
      </header>
      <Tabs label="Step" value={tab} onChange={onTab} tabs={tabs} className="min-h-0 flex-1" />
      <p className="sr-only" role="status">
        {run.status}, {step.name} of {steps.length} steps
      </p>
    </div>
  );
}

function tabsOf({ run, step, steps, graph }: StepDetailProps, error: Step["error"]) {
  const inputs = inputsOf(step, steps, graph, run.params);
  const body = (children: ReactNode) => <div className="p-3">{children}</div>;
  const count = (number: number) =>
    number > 0 && <span className="font-mono text-muted text-small">{number}</span>;
  const tabs: Tab<StepTab>[] = [];
  if (inputs.length > 0) {
    tabs.push({
      value: "input",
      label: "Input",
      content: body(
        <div className="flex flex-col gap-4">
          {inputs.map(({ name, value, known }) => (
            <section key={name} aria-label={name}>
              <h3 className="mb-1 font-mono text-muted text-table">{name}</h3>
              {known ? (
                <JsonTree value={value} path={name} />
              ) : (
                <p className="text-muted">Not recorded: its node makes no step.</p>
              )}
            </section>
          ))}
        </div>,
      ),
    });
  }
  tabs.push({
    value: "output",
    label: "Output",
    content: body(
      step.status === "complete" ? (
        <JsonTree value={step.output} path={step.nodeId ?? ""} open={3} />
      ) : (
        <p className="text-muted">
          {step.endedAt === null
            ? "It is not there yet."
            : "There is none: the step did not end well."}
        </p>
      ),
    ),
  });
  if (error) {
    tabs.push({
      value: "error",
      label: "Error",
      content: body(<ErrorView error={error} workflow={run.workflowId} version={run.versionId} />),
    });
  }
  if (step.type === "do") {
    tabs.push(
      {
        value: "logs",
        label: "Logs",
        badge: count(logsOf(step.attempts)),
        content: body(<LogsView attempts={step.attempts} />),
      },
      {
        value: "attempts",
        label: "Attempts",
        badge: count(triesOf(step)),
        content: body(<AttemptsView step={step} />),
      },
    );
  }
  return tabs;
}

/** What the step waits for, while it does. */
function Standing({ step }: { step: Step }) {
  if (step.status !== "waiting" && !(step.type !== "do" && step.endedAt === null)) return null;
  const due = step.dueAt && <When at={step.dueAt} />;
  if (step.type === "do") return <p className="mt-1 text-waiting text-table">Tried again {due}.</p>;
  if (step.type === "sleep") return <p className="mt-1 text-waiting text-table">Wakes {due}.</p>;
  if (step.eventType?.startsWith("child-")) {
    return <p className="mt-1 text-table text-waiting">Waits for the run it started.</p>;
  }
  return (
    <p className="mt-1 text-table text-waiting">
      Waits for <code className="font-mono">{step.eventType}</code>
      {due && <>, times out {due}</>}.
    </p>
  );
}

/** The run of another workflow that this step started, or waits for. */
function childOf(step: Step, node: ReturnType<typeof nodeOf>): { id: string; run: string } | null {
  const id = node?.type === "sub_workflow" ? node.data.workflowId : undefined;
  if (typeof id !== "string") return null;
  if (step.eventType?.startsWith("child-")) return { id, run: step.eventType.slice(6) };
  const { output } = step;
  if (typeof output === "string") return { id, run: output };
  if (output && typeof output === "object" && "instanceId" in output) {
    return { id, run: String(output.instanceId) };
  }
  return null;
}
