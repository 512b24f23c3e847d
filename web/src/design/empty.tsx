import type { LucideIcon } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { cx } from "./cx";

type EmptyProps = {
  icon: LucideIcon;
  title: string;
  /** What this place is for, in a sentence or two. */
  children: ReactNode;
  /** The one thing to do now. */
  action?: ReactNode;
};

/** A place with nothing in it, which teaches what would be here. */
export function Empty({ icon: Icon, title, children, action }: EmptyProps) {
  return (
    <div className="mx-auto flex max-w-100 flex-col items-center gap-2 px-4 py-16 text-center">
      <div className="mb-1 flex size-10 items-center justify-center rounded-panel border bg-surface text-muted">
        <Icon size={20} />
      </div>
      <h2 className="font-semibold text-read">{title}</h2>
      <div className="text-muted">{children}</div>
      {action && <div className="mt-2 flex gap-2">{action}</div>}
    </div>
  );
}

/** Nothing for 300 ms, then a grey line in the place of what is coming. */
export function Skeleton({ className }: { className?: string }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), 300);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div
      aria-hidden
      className={cx("rounded-control", shown && "bg-hover animate-pulse", className)}
    />
  );
}

/** Rows that are coming. */
export function SkeletonRows({ rows = 6 }: { rows?: number }) {
  return (
    <div className="flex flex-col gap-2 p-3">
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <Skeleton key={row} className="h-7" />
      ))}
    </div>
  );
}
