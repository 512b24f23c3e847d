import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Check, Circle, X } from "lucide-react";
import { type ReactNode, useState } from "react";
import { api, must } from "@/api/client";
import type { ListedWorkflow, Run } from "@/api/queries";
import { IconButton } from "@/design/button";
import { cx } from "@/design/cx";
import { State } from "@/design/state";
import { isOffered, kept, type Tour, tourOf } from "./tour";

const GO =
  "inline-flex h-7 items-center rounded-control border border-line-strong px-2.5 font-medium whitespace-nowrap hover:bg-hover";

/** Four steps to a first finished run, ticked off by what the server says. */
export function TourCard({ workflows, runs }: { workflows: ListedWorkflow[]; runs: Run[] }) {
  const [dismissed, setDismissed] = useState(kept.dismissed);
  const followed = kept.followed();
  const looked = followed !== null && kept.looked(followed);
  const shown = !dismissed && isOffered({ workflows, followed });
  const completed = useCompleted(shown, workflows.find((one) => one.id === followed)?.id);
  const tour = tourOf({ workflows, runs, followed, looked, completed });
  if (!shown) return null;
  const next = tour.steps.find((step) => !step.done)?.id;
  return (
    <section aria-labelledby="tour" className="overflow-hidden rounded-panel border bg-raised">
      <div className="flex items-center gap-2 border-b py-2 pr-2 pl-4">
        <h2 id="tour" className="flex-1 font-semibold">
          {tour.finished ? "That was the whole way" : "From nothing to a finished run"}
        </h2>
        <span className="text-muted text-table">
          {tour.steps.filter((step) => step.done).length} of {tour.steps.length}
        </span>
        <IconButton
          icon={X}
          label="Put it away"
          size="small"
          onClick={() => {
            kept.dismiss();
            setDismissed(true);
          }}
        />
      </div>
      <ol className="grid divide-line max-lg:divide-y lg:grid-cols-4 lg:divide-x">
        {tour.steps.map((step) => (
          <li
            key={step.id}
            aria-current={step.id === next ? "step" : undefined}
            className={cx("flex flex-col gap-1 p-4", step.id === next && "bg-accent-soft")}
          >
            <span className="flex items-center gap-2">
              {step.done ? (
                <Check size={16} className="text-complete" role="img" aria-label="Done" />
              ) : (
                <Circle size={16} className="text-faint" role="img" aria-label="To do" />
              )}
              <span className={cx("font-medium", step.done && "text-muted")}>
                {TEXTS[step.id].title}
              </span>
            </span>
            <span className="text-soft text-table">{TEXTS[step.id].text}</span>
            {step.id === next && <span className="mt-1">{action(step.id, tour)}</span>}
            {step.id === "run" && tour.run && !tour.finished && (
              <span className="mt-1">
                <State state={tour.run.status} />
              </span>
            )}
            {step.id === "run" && tour.finished && tour.workflow && (
              <span className="mt-1">
                <Link to="/workflows/$id/runs" params={{ id: tour.workflow.id }} className={GO}>
                  Look at its runs
                </Link>
              </span>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Whether such a run is there at all: those that Home lists are the newest only. */
function useCompleted(asked: boolean, followed: string | undefined): boolean {
  const { data = false } = useQuery({
    queryKey: ["runs", "home", "completed", followed],
    queryFn: async () => {
      const one = { status: ["complete" as const], limit: 1 };
      const byHand = { ...one, trigger: ["manual" as const] };
      const found = await Promise.all([
        must(api.GET("/api/runs", { params: { query: byHand } })),
        ...(followed
          ? [
              must(
                api.GET("/api/workflows/{id}/runs", {
                  params: { path: { id: followed }, query: one },
                }),
              ),
            ]
          : []),
      ]);
      return found.some(({ data }) => data.length > 0);
    },
    enabled: asked,
  });
  return data;
}

const TEXTS = {
  create: {
    title: "Make a workflow",
    text: "From a template, which runs as it is without an account anywhere, or from nothing.",
  },
  look: {
    title: "Look at its canvas",
    text: "Each node is a step; click one to see and change what it does.",
  },
  deploy: {
    title: "Deploy it",
    text: "It is saved, compiled to one Python file and given a Worker URL.",
  },
  run: {
    title: "See a run complete",
    text: "Trigger it with a payload and watch each step as it happens.",
  },
} as const;

function action(step: keyof typeof TEXTS, { workflow }: Tour): ReactNode {
  if (step === "create" || !workflow) {
    return (
      <Link to="/templates" className={GO}>
        Choose a template
      </Link>
    );
  }
  const params = { id: workflow.id };
  if (step === "run") {
    return (
      <Link
        to="/workflows/$id/runs"
        params={params}
        search={{ trigger_dialog: true }}
        className={GO}
      >
        Trigger a run
      </Link>
    );
  }
  return (
    <Link to="/workflows/$id" params={params} className={GO} onClick={() => kept.look(workflow.id)}>
      {step === "look" ? "Open it" : "To its Deploy button"}
    </Link>
  );
}
