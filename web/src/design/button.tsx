import { LoaderCircle, type LucideIcon } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";
import { cx } from "./cx";
import { Tooltip } from "./tooltip";

type Look = "primary" | "plain" | "ghost" | "danger";

const LOOKS: Record<Look, string> = {
  primary: "bg-accent text-on-accent border-transparent hover:bg-accent-strong",
  plain: "bg-surface text-ink border-line-strong hover:bg-hover",
  ghost: "bg-transparent text-soft border-transparent hover:bg-hover hover:text-ink",
  danger: "bg-surface text-errored border-line-strong hover:bg-hover hover:border-errored",
};

type ButtonProps = Omit<ComponentProps<"button">, "children"> & {
  look?: Look;
  icon?: LucideIcon;
  busy?: boolean;
  children: ReactNode;
};

export function Button({
  look = "plain",
  icon: Icon,
  busy,
  className,
  children,
  ...rest
}: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      disabled={rest.disabled || busy}
      aria-busy={busy || undefined}
      className={cx(
        "inline-flex h-8 shrink-0 items-center justify-center gap-1.5 rounded-control border px-3 font-medium whitespace-nowrap transition-colors duration-150 disabled:opacity-50 disabled:pointer-events-none",
        LOOKS[look],
        className,
      )}
    >
      {busy ? <LoaderCircle size={14} className="animate-spin" /> : Icon && <Icon size={14} />}
      {children}
    </button>
  );
}

type IconButtonProps = Omit<ComponentProps<"button">, "children"> & {
  icon: LucideIcon;
  /** What it does: read aloud, and shown when pointed at. */
  label: string;
  /** The keys that do the same, as `⌘K`. */
  keys?: string;
  look?: Look;
  size?: "small" | "normal";
  side?: "top" | "right" | "bottom" | "left";
};

export function IconButton({
  icon: Icon,
  label,
  keys,
  look = "ghost",
  size = "normal",
  side = "bottom",
  className,
  ...rest
}: IconButtonProps) {
  return (
    <Tooltip text={label} keys={keys} side={side}>
      <button
        type="button"
        aria-label={label}
        {...rest}
        className={cx(
          "inline-flex shrink-0 items-center justify-center rounded-control border transition-colors duration-150 disabled:opacity-40",
          size === "small" ? "size-6" : "size-8",
          LOOKS[look],
          className,
        )}
      >
        <Icon size={size === "small" ? 14 : 16} />
      </button>
    </Tooltip>
  );
}
