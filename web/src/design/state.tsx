import {
  Ban,
  CircleCheck,
  CircleDashed,
  CirclePause,
  CircleX,
  Hourglass,
  LoaderCircle,
  type LucideIcon,
} from "lucide-react";
import { cx } from "./cx";

export type StateName =
  | "queued"
  | "running"
  | "waiting"
  | "paused"
  | "complete"
  | "errored"
  | "terminated"
  | "cancelled";

type Look = { icon: LucideIcon; text: string; colour: string; word: string };

export const STATES: Record<StateName, Look> = {
  queued: { icon: CircleDashed, text: "text-queued", colour: "var(--queued)", word: "Queued" },
  running: { icon: LoaderCircle, text: "text-running", colour: "var(--running)", word: "Running" },
  waiting: { icon: Hourglass, text: "text-waiting", colour: "var(--waiting)", word: "Waiting" },
  paused: { icon: CirclePause, text: "text-paused", colour: "var(--paused)", word: "Paused" },
  complete: {
    icon: CircleCheck,
    text: "text-complete",
    colour: "var(--complete)",
    word: "Complete",
  },
  errored: { icon: CircleX, text: "text-errored", colour: "var(--errored)", word: "Errored" },
  terminated: {
    icon: Ban,
    text: "text-terminated",
    colour: "var(--terminated)",
    word: "Terminated",
  },
  cancelled: { icon: Ban, text: "text-terminated", colour: "var(--terminated)", word: "Cancelled" },
};

export const ENDED: ReadonlySet<StateName> = new Set(["complete", "errored", "terminated"]);

type StateIconProps = {
  state: StateName;
  size?: number;
  /** It names the state, and is nothing that goes on. */
  still?: boolean;
};

export function StateIcon({ state, size = 14, still }: StateIconProps) {
  const { icon: Icon, text } = STATES[state];
  return (
    <Icon
      size={size}
      className={cx("shrink-0", text, state === "running" && !still && "animate-spin")}
    />
  );
}

/** Always an icon and a word: never colour alone. */
export function State({ state, className }: { state: StateName; className?: string }) {
  const { text, word } = STATES[state];
  return (
    <span className={cx("inline-flex items-center gap-1.5 font-medium", text, className)}>
      <StateIcon state={state} />
      {word}
    </span>
  );
}
