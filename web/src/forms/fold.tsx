import { ChevronRight } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { cx } from "@/design/cx";

type FoldProps = {
  title: string;
  /** What is in it, in one line, while it is folded. */
  summary?: ReactNode;
  /** Something in it has to be seen. */
  needed?: boolean;
  children: ReactNode;
};

/** A part of a form that most people leave as it is. */
export function Fold({ title, summary, needed = false, children }: FoldProps) {
  const [open, setOpen] = useState(needed);
  useEffect(() => {
    if (needed) setOpen(true);
  }, [needed]);
  return (
    <section className="border-t pt-1">
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className="flex h-8 w-full items-center gap-1.5 rounded-control text-left text-table"
      >
        <ChevronRight
          size={12}
          className={cx(
            "shrink-0 text-muted transition-transform duration-150",
            open && "rotate-90",
          )}
        />
        <span className="font-medium text-soft">{title}</span>
        {!open && <span className="min-w-0 flex-1 truncate text-right text-muted">{summary}</span>}
      </button>
      {open && <div className="flex flex-col gap-3 pt-1 pb-2">{children}</div>}
    </section>
  );
}
