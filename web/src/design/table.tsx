import { type ReactNode, useEffect, useRef } from "react";
import { useCommands } from "./commands";
import { cx } from "./cx";

export type Column = {
  title: string;
  /** Left out where there is little room. */
  wide?: boolean;
  /** Read aloud only: for a column of buttons. */
  hidden?: boolean;
  className?: string;
};

type TableProps = { label: string; columns: Column[]; children: ReactNode };

/** A list in columns. Its rows are `Row`s; `J` and `K` go through their first links and buttons. */
export function Table({ label, columns, children }: TableProps) {
  const body = useRef<HTMLTableSectionElement>(null);
  useRowKeys(body);
  return (
    <table aria-label={label} className="w-full border-collapse text-table">
      <thead>
        <tr className="border-b">
          {columns.map((column) => (
            <th
              key={column.title}
              scope="col"
              className={cx(
                "h-8 px-2 text-left font-medium text-muted whitespace-nowrap first:pl-4 last:pr-4 md:first:pl-6 md:last:pr-6",
                column.wide && "max-md:hidden",
                column.className,
              )}
            >
              {column.hidden ? <span className="sr-only">{column.title}</span> : column.title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody ref={body}>{children}</tbody>
    </table>
  );
}

type RowProps = { children: ReactNode; marked?: boolean; onClick?: () => void };

export function Row({ children, marked, onClick }: RowProps) {
  return (
    <tr
      data-row
      onClick={onClick}
      className={cx(
        "border-b hover:bg-ground focus-within:bg-ground",
        marked && "bg-accent-soft hover:bg-accent-soft",
        onClick && "cursor-pointer",
      )}
    >
      {children}
    </tr>
  );
}

type CellProps = { children?: ReactNode; wide?: boolean; className?: string };

export function Cell({ children, wide, className }: CellProps) {
  return (
    <td
      className={cx(
        "h-10 px-2 py-1.5 first:pl-4 last:pr-4 md:first:pl-6 md:last:pr-6",
        wide && "max-md:hidden",
        className,
      )}
    >
      {children}
    </td>
  );
}

/** `J` and `K` move the focus from row to row; `Enter` is then the browser's own. */
function useRowKeys(body: React.RefObject<HTMLElement | null>): void {
  const move = (by: 1 | -1) => {
    const rows = [...(body.current?.querySelectorAll<HTMLElement>("[data-row]") ?? [])];
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by];
    next?.querySelector<HTMLElement>("a,button")?.focus();
    next?.scrollIntoView({ block: "nearest" });
  };
  const latest = useRef(move);
  useEffect(() => {
    latest.current = move;
  });
  useCommands([
    { id: "row-next", title: "Next row", group: "List", keys: "J", run: () => latest.current(1) },
    {
      id: "row-before",
      title: "Row before",
      group: "List",
      keys: "K",
      run: () => latest.current(-1),
    },
  ]);
}
