import { useQuery } from "@tanstack/react-query";
import {
  Check,
  Circle,
  CircleX,
  ExternalLink,
  LoaderCircle,
  Play,
  TriangleAlert,
} from "lucide-react";
import type { FullWorkflow } from "@/api/queries";
import { queries } from "@/api/queries";
import { Button } from "@/design/button";
import { Command, CopyButton } from "@/design/copy";
import { cx } from "@/design/cx";
import { browserUrl, curlOf } from "./addresses";
import type { Deploying, End } from "./deploying";
import { Refused } from "./review";
import type { Stage } from "./stages";

type WorkingProps = {
  workflow: FullWorkflow;
  deploying: Deploying;
  onClose: () => void;
  onTrigger: () => void;
  /** Back to what will change, to try once more. */
  onBack: () => void;
};

/** How far a deploy is, and how it ended. */
export function Working({ workflow, deploying, onClose, onTrigger, onBack }: WorkingProps) {
  const { told, asking, end } = deploying;
  return (
    <div className="flex flex-col gap-4" aria-live="polite">
      <div
        role="progressbar"
        aria-label="Deploy"
        aria-valuenow={told.progress}
        aria-valuemin={0}
        aria-valuemax={100}
        className="h-1 overflow-hidden rounded-full bg-pressed"
      >
        <div
          className={cx(
            "h-full transition-[width] duration-180",
            end?.kind === "live" ? "bg-complete" : end ? "bg-errored" : "bg-accent",
          )}
          style={{ width: `${told.progress}%` }}
        />
      </div>
      <ol className="flex flex-col">
        {told.stages.map((stage) => (
          <StageLine key={stage.id} stage={stage} />
        ))}
      </ol>
      {asking && (
        <p className="flex gap-2 rounded-control border border-waiting/40 bg-waiting/5 p-3">
          <LoaderCircle size={16} className="mt-0.5 shrink-0 animate-spin text-waiting" />
          The connection was cut before the server said how it ended. Asking it what is live…
        </p>
      )}
      {end && <Ended {...{ workflow, deploying, end, onClose, onTrigger, onBack }} />}
      {!end && (
        <div className="flex items-center justify-between gap-2">
          <p className="text-muted text-table">It goes on when you close this.</p>
          <Button onClick={onClose}>Close</Button>
        </div>
      )}
    </div>
  );
}

const MARKS = {
  ahead: { icon: Circle, text: "text-faint", word: "to come" },
  working: { icon: LoaderCircle, text: "text-running animate-spin", word: "at work" },
  done: { icon: Check, text: "text-complete", word: "done" },
  failed: { icon: CircleX, text: "text-errored", word: "not finished" },
} as const;

function StageLine({ stage }: { stage: Stage }) {
  const { icon: Icon, text, word } = MARKS[stage.state];
  return (
    <li className="flex h-8 items-center gap-2.5">
      <Icon size={16} className={cx("shrink-0", text)} />
      <span
        className={cx("whitespace-nowrap", stage.state === "ahead" ? "text-muted" : "text-ink")}
      >
        {stage.title}
      </span>
      <span className="sr-only">{word}</span>
      <span className="min-w-0 truncate text-muted text-table">{stage.message}</span>
    </li>
  );
}

function Ended({
  workflow,
  deploying,
  end,
  onClose,
  onTrigger,
  onBack,
}: WorkingProps & { end: End }) {
  if (end.kind === "live") {
    return (
      <>
        <div className="flex flex-col gap-2 rounded-panel border p-3">
          <p className="font-medium">
            Version {deploying.target.number} is live
            {end.cut && (
              <span className="font-normal text-muted">
                {" "}
                · the connection was cut, so the server was asked: it says so
              </span>
            )}
          </p>
          <div className="flex min-w-0 items-center gap-1">
            <span className="min-w-0 truncate font-mono text-table">{end.url}</span>
            <CopyButton text={end.url} label="Copy the Worker URL" />
            <a
              href={browserUrl(end.url)}
              target="_blank"
              rel="noreferrer"
              aria-label="Open the Worker URL"
              className="flex size-6 items-center justify-center rounded-control text-soft hover:bg-hover hover:text-ink"
            >
              <ExternalLink size={14} />
            </a>
          </div>
          <p className="text-muted text-table">
            {workflow.kind === "script" ? "Call it from a shell:" : "Start a run from a shell:"}
          </p>
          <Command text={curlOf(end.url, workflow.payloadSchema)} />
        </div>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Close</Button>
          {workflow.kind !== "script" && (
            <Button look="primary" icon={Play} onClick={onTrigger}>
              Trigger a run
            </Button>
          )}
        </div>
      </>
    );
  }
  return (
    <>
      {end.kind === "failed" ? (
        <Refused error={end.error} workflow={workflow.id} onClose={onClose} />
      ) : (
        <NotLive workflow={workflow.id} live={end.live} number={deploying.target.number} />
      )}
      <p className="text-muted">What was live before has not been touched.</p>
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Close</Button>
        <Button look="primary" onClick={onBack}>
          Try again
        </Button>
      </div>
    </>
  );
}

type NotLiveProps = {
  workflow: string;
  live: FullWorkflow["deployment"];
  number: number;
};

function NotLive({ workflow, live, number }: NotLiveProps) {
  const { data: versions } = useQuery(queries.versions(workflow));
  const there = versions?.find((version) => version.id === live?.versionId)?.version;
  return (
    <p
      role="alert"
      className="flex gap-2 rounded-control border border-errored/40 bg-errored/5 p-3"
    >
      <TriangleAlert size={16} className="mt-0.5 shrink-0 text-errored" />
      <span>
        The connection was cut before the deploy ended, and the server says that{" "}
        {live?.status === "active"
          ? `version ${there ?? "of before"} is still what is live`
          : "nothing is live"}
        . Version {number} is saved.
      </span>
    </p>
  );
}
