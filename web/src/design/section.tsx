import type { ReactNode } from "react";
import { cx } from "./cx";

type SectionProps = {
  title: string;
  text?: ReactNode;
  /** Beside the title, at the right. */
  aside?: ReactNode;
  danger?: boolean;
  children: ReactNode;
};

/** A part of a page of settings, with what it is for. */
export function Section({ title, text, aside, danger, children }: SectionProps) {
  return (
    <section
      aria-label={title}
      className={cx("mb-4 rounded-panel border bg-raised last:mb-0", danger && "border-errored/40")}
    >
      <div className="flex flex-wrap items-start gap-3 border-b px-4 py-3">
        <div className="min-w-0 flex-1">
          <h2 className="font-semibold">{title}</h2>
          {text && <p className="text-muted">{text}</p>}
        </div>
        {aside}
      </div>
      <div className="px-4 py-3">{children}</div>
    </section>
  );
}
