import { ChevronRight } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "./cx";

type FoldedProps = { title: string; className?: string; head?: string; children: ReactNode };

/** What few people want to see, behind its title. */
export function Folded({ title, className, head, children }: FoldedProps) {
  return (
    <details className={cx("group/folded", className)}>
      <summary
        className={cx(
          "flex w-fit list-none items-center gap-1.5 text-muted text-table hover:text-ink [&::-webkit-details-marker]:hidden",
          head,
        )}
      >
        <ChevronRight
          size={12}
          className="shrink-0 transition-transform duration-150 group-open/folded:rotate-90"
        />
        {title}
      </summary>
      {children}
    </details>
  );
}
