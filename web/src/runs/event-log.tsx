import { useVirtualizer } from "@tanstack/react-virtual";
import {
  Ban,
  BellRing,
  CircleAlert,
  CircleCheck,
  CirclePause,
  CirclePlay,
  CircleX,
  Hourglass,
  type LucideIcon,
  Play,
  RotateCcw,
  Undo2,
} from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { LogEntry, Run } from "@/api/queries";
import { useStream } from "@/api/stream";
import { cx } from "@/design/cx";
import { SkeletonRows } from "@/design/empty";
import { duration, exact, plural } from "@/design/format";
import { runAddress } from "./curl";

type Look = { icon: LucideIcon; text: string; colour?: string };

const LOOKS: Record<LogEntry["type"], Look> = {
  "run.created": { icon: Play, text: "Run created" },
  "run.started": { icon: CirclePlay, text: "Run started", colour: "text-running" },
  "run.pausing": { icon: CirclePause, text: "Pausing", colour: "text-paused" },
  "run.paused": { icon: CirclePause, text: "Paused", colour: "text-paused" },
  "run.resumed": { icon: CirclePlay, text: "Resumed", colour: "text-running" },
  "run.restarted": { icon: RotateCcw, text: "Restarted" },
  "run.interrupted": { icon: CircleAlert, text: "Interrupted", colour: "text-waiting" },
  "run.rolling_back": { icon: Undo2, text: "Rolling back", colour: "text-waiting" },
  "run.completed": { icon: CircleCheck, text: "Run completed", colour: "text-complete" },
  "run.errored": { icon: CircleX, text: "Run errored", colour: "text-errored" },
  "run.terminated": { icon: Ban, text: "Run terminated", colour: "text-terminated" },
  "attempt.started": { icon: CirclePlay, text: "Attempt started", colour: "text-running" },
  "attempt.failed": { icon: CircleX, text: "Attempt failed", colour: "text-errored" },
  "attempt.interrupted": { icon: CircleAlert, text: "Interrupted", colour: "text-waiting" },
  "step.completed": { icon: CircleCheck, text: "Step completed", colour: "text-complete" },
  "step.failed": { icon: CircleX, text: "Step failed", colour: "text-errored" },
  "step.cancelled": { icon: Ban, text: "Step cancelled", colour: "text-terminated" },
  "sleep.started": { icon: Hourglass, text: "Sleep started", colour: "text-waiting" },
  "sleep.ended": { icon: CircleCheck, text: "Sleep ended", colour: "text-complete" },
  "wait.started": { icon: Hourglass, text: "Wait started", colour: "text-waiting" },
  "wait.ended": { icon: CircleCheck, text: "Wait ended", colour: "text-complete" },
  "wait.timed_out": { icon: CircleX, text: "Wait timed out", colour: "text-errored" },
  "event.received": { icon: BellRing, text: "Event received", colour: "text-running" },
};

type EventLogProps = {
  run: Run;
  /** The step that is selected, as its name and count. */
  selected: string | undefined;
  onSelect: (step: string, count: number) => void;
};

const TOGETHER = 60;

/** What happened to the run, one thing after the other, its former incarnations included. */
export function EventLog({ run, selected, onSelect }: EventLogProps) {
  const entries = useEntries(run);
  const scroller = useRef<HTMLElement>(null);
  const virtual = useVirtualizer({
    count: entries?.length ?? 0,
    getScrollElement: () => scroller.current,
    estimateSize: () => 30,
    overscan: 16,
  });
  if (!entries) return <SkeletonRows rows={10} />;
  return (
    <section
      ref={scroller}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
      tabIndex={0}
      aria-label="Event log"
      className="h-full overflow-auto outline-none"
    >
      <ol className="relative" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const entry = entries[item.index] as LogEntry;
          return (
            <li
              key={item.key}
              className="absolute inset-x-0 top-0"
              style={{ height: item.size, transform: `translateY(${item.start}px)` }}
            >
              <Entry
                entry={entry}
                epochs={run.epoch > 1}
                start={run.createdAt}
                selected={`${entry.step}~${entry.count}` === selected}
                onSelect={onSelect}
              />
            </li>
          );
        })}
      </ol>
    </section>
  );
}

type EntryProps = {
  entry: LogEntry;
  epochs: boolean;
  start: string;
  selected: boolean;
  onSelect: (step: string, count: number) => void;
};

function Entry({ entry, epochs, start, selected, onSelect }: EntryProps) {
  const { icon: Icon, text, colour } = LOOKS[entry.type];
  const { step, count = 1 } = entry;
  const at = new Date(entry.at);
  const after = at.getTime() - Date.parse(start);
  const content = (
    <>
      <time
        dateTime={entry.at}
        title={exact(at)}
        className="w-20 shrink-0 text-right font-mono text-muted"
      >
        +{duration(after)}
      </time>
      {epochs && <span className="shrink-0 font-mono text-muted">#{entry.epoch}</span>}
      <Icon size={13} className={cx("shrink-0", colour ?? "text-muted")} />
      <span className="w-28 shrink-0 font-medium max-md:w-auto">{text}</span>
      {step && <span className="shrink-0 truncate">{step}</span>}
      <span className="min-w-0 truncate text-muted">{moreOf(entry)}</span>
    </>
  );
  const line = "flex size-full items-center gap-2.5 px-3 text-left text-table";
  return step ? (
    <button
      type="button"
      aria-current={selected || undefined}
      onClick={() => onSelect(step, count ?? 1)}
      className={cx(line, selected ? "bg-accent-soft" : "hover:bg-hover")}
    >
      {content}
    </button>
  ) : (
    <div className={line}>{content}</div>
  );
}

function moreOf(entry: LogEntry): string {
  const parts: string[] = [];
  if (entry.attempt && entry.attempt > 1) parts.push(`attempt ${entry.attempt}`);
  if (entry.error) parts.push(`${entry.error.name}: ${entry.error.message}`);
  if (entry.delay != null) parts.push(`again after ${duration(entry.delay * 1000)}`);
  if (entry.eventType && !entry.eventType.startsWith("child-")) parts.push(entry.eventType);
  if (entry.until) parts.push(`until ${exact(new Date(entry.until))}`);
  if (entry.deploymentId) parts.push("with another deployment");
  if (entry.leftOut)
    parts.push(`${plural(entry.leftOut, "entry", "entries")} before were not kept`);
  return parts.join(" · ");
}

/** The log as it grows. It is told anew after a break: what is known is replaced, not repeated. */
function useEntries(run: Run): LogEntry[] | null {
  const [entries, setEntries] = useState<LogEntry[] | null>(null);
  const heard = useRef<LogEntry[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const later = () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      setEntries([...heard.current]);
    }, TOGETHER);
  };
  const address = runAddress(run.workflowId, run.instanceId, "/events/stream");
  useStream(
    `${address}#${run.epoch}`,
    {
      entry: (data) => {
        heard.current.push(data as LogEntry);
        later();
      },
      end: later,
    },
    {
      last: "end",
      onOpen: () => {
        heard.current = [];
      },
    },
  );
  return entries;
}
