import { ChevronRight } from "lucide-react";
import { memo } from "react";
import type { Run } from "@/api/queries";
import { cx } from "@/design/cx";
import { duration, plural } from "@/design/format";
import { STATES, StateIcon, type StateName } from "@/design/state";
import { type Piece, piecesOf, startOf, triesOf } from "./history";
import type { GroupLine, Line, StepLine } from "./rows";
import type { Scale } from "./scale";

type LineProps = {
  line: Line;
  scale: Scale;
  now: number;
  selected: boolean;
  onSelect: (key: string) => void;
  onToggle: (key: string, open: boolean) => void;
};

const ROW =
  "group/line grid size-full grid-cols-[var(--names)_1fr] text-left text-table transition-colors duration-100";
const NAME = "flex min-w-0 items-center gap-1.5 border-r pr-2";
/** The room at the right is for the text behind the longest bar. */
const TIME = "relative mr-17";

/** A step, or a group of them, over time. */
export const WaterfallLine = memo(function WaterfallLine(props: LineProps) {
  return props.line.kind === "step" ? (
    <StepRow {...props} line={props.line} />
  ) : (
    <GroupRow {...props} line={props.line} />
  );
}, same);

/** The clock moves only what still goes on. */
function same(a: LineProps, b: LineProps): boolean {
  const still = a.line.kind === "step" ? a.line.step.endedAt !== null : a.line.to !== null;
  return (
    a.line === b.line &&
    a.scale === b.scale &&
    a.selected === b.selected &&
    a.onSelect === b.onSelect &&
    (still || a.now === b.now)
  );
}

function StepRow({ line, scale, now, selected, onSelect }: LineProps & { line: StepLine }) {
  const { step, base, more, depth, key } = line;
  const from = startOf(step);
  const to = step.endedAt === null ? now : Date.parse(step.endedAt);
  const attempts = triesOf(step);
  return (
    <button
      type="button"
      aria-current={selected || undefined}
      onClick={() => onSelect(key)}
      className={cx(ROW, selected ? "bg-accent-soft" : "hover:bg-hover")}
    >
      <span className={NAME} style={{ paddingLeft: 12 + depth * 14 }}>
        <StateIcon state={step.status} size={13} />
        <span className="sr-only">{STATES[step.status].word}</span>
        <span className={cx("truncate", step.status === "cancelled" && "text-muted")}>{base}</span>
        {more && <span className="shrink-0 font-mono text-muted text-small">{more}</span>}
        {attempts > 1 && (
          <span className="ml-auto shrink-0 rounded-full border px-1.5 font-mono text-muted text-small">
            ×{attempts}
          </span>
        )}
      </span>
      <span className={TIME}>
        {piecesOf(step).map((piece) => (
          <Bar
            key={`${piece.kind} ${piece.from}`}
            piece={piece}
            state={step.status}
            scale={scale}
            now={now}
          />
        ))}
        <Length x={scale.at(to)} text={duration(to - from)} />
      </span>
    </button>
  );
}

function GroupRow({ line, scale, now, onToggle }: LineProps & { line: GroupLine }) {
  const { title, count, of, failed, state, from, depth, key, open } = line;
  const to = line.to ?? now;
  const x0 = scale.at(from);
  const x1 = scale.at(to);
  return (
    <button
      type="button"
      aria-expanded={open}
      onClick={() => onToggle(key, !open)}
      className={cx(ROW, "hover:bg-hover")}
    >
      <span className={NAME} style={{ paddingLeft: 12 + depth * 14 }}>
        <ChevronRight
          size={13}
          className={cx("shrink-0 text-muted transition-transform", open && "rotate-90")}
        />
        <span className={cx("truncate", of === "iteration" ? "font-medium" : "font-mono")}>
          {title}
        </span>
        <span className="shrink-0 text-muted">{plural(count, of)}</span>
        {failed > 0 && (
          <span className="flex shrink-0 items-center gap-1 text-errored">
            <StateIcon state="errored" size={12} />
            {failed}
          </span>
        )}
      </span>
      <span className={TIME}>
        <span
          className="absolute top-1/2 h-1.5 -translate-y-1/2 rounded-full opacity-60"
          style={{ ...place(x0, x1), background: STATES[state].colour }}
        />
        <Length x={x1} text={duration(to - from)} />
      </span>
    </button>
  );
}

type RunLineProps = {
  run: Run;
  scale: Scale;
  now: number;
  selected: boolean;
  onSelect: () => void;
};

/** The run as a whole: until it was begun, and from then on. */
export function RunLine({ run, scale, now, selected, onSelect }: RunLineProps) {
  const created = Date.parse(run.createdAt);
  const to = run.endedAt === null ? now : Date.parse(run.endedAt);
  const started = run.startedAt === null ? to : Date.parse(run.startedAt);
  return (
    <button
      type="button"
      aria-current={selected || undefined}
      onClick={onSelect}
      className={cx(ROW, "h-7.5!", selected ? "bg-accent-soft" : "hover:bg-hover")}
    >
      <span className={cx(NAME, "pl-3 font-medium")}>
        <StateIcon state={run.status} size={13} />
        Run
      </span>
      <span className={TIME}>
        <span
          className="absolute top-1/2 h-1 -translate-y-1/2 rounded-full bg-queued/40"
          style={place(scale.at(created), scale.at(started))}
        />
        <span
          className="absolute top-1/2 h-1.5 -translate-y-1/2 rounded-full"
          style={{
            ...place(scale.at(started), scale.at(to)),
            background: STATES[run.status].colour,
          }}
        />
      </span>
    </button>
  );
}

/** At least two pixels wide, however short. */
function place(x0: number, x1: number): React.CSSProperties {
  return { left: `${x0 * 100}%`, width: `max(2px, ${Math.max(0, x1 - x0) * 100}%)` };
}

const SOLID = "absolute top-1/2 h-3.5 -translate-y-1/2 rounded-[4px] border";

type BarProps = { piece: Piece; state: StateName; scale: Scale; now: number };

function Bar({ piece, state, scale, now }: BarProps) {
  const at = place(scale.at(piece.from), scale.at(piece.to ?? now));
  switch (piece.kind) {
    case "work": {
      const colour =
        STATES[piece.to === null ? "running" : state === "waiting" ? "errored" : state];
      return (
        <span
          className={cx(SOLID, piece.to === null && "waterfall-going")}
          style={{ ...at, "--bar": colour.colour, ...FILLED } as React.CSSProperties}
        />
      );
    }
    case "failed":
      return (
        <span
          className={SOLID}
          style={{ ...at, "--bar": "var(--errored)", ...FILLED } as React.CSSProperties}
        />
      );
    case "delay":
      return (
        <span
          className="absolute top-1/2 h-0 -translate-y-1/2 border-t border-dashed border-waiting"
          style={at}
        />
      );
    case "sleep":
      return <span className={cx(SOLID, "waterfall-sleep border-time/50")} style={at} />;
    case "wait":
      return <span className={cx(SOLID, "border-dashed border-event/70 bg-event/8")} style={at} />;
  }
}

const FILLED = {
  background: "color-mix(in oklch, var(--bar) 32%, transparent)",
  borderColor: "color-mix(in oklch, var(--bar) 75%, transparent)",
};

/** How long it took, behind the bar. */
function Length({ x, text }: { x: number; text: string }) {
  return (
    <span
      className="pointer-events-none absolute top-1/2 -translate-y-1/2 font-mono text-muted text-small whitespace-nowrap"
      style={{ left: `calc(${x * 100}% + 6px)` }}
    >
      {text}
    </span>
  );
}
