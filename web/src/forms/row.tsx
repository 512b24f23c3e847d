import { CircleX, TriangleAlert } from "lucide-react";
import { type ReactNode, useCallback, useId, useRef } from "react";
import type { Detail } from "@/api/client";
import { cx } from "@/design/cx";
import { useFocus, useForm } from "./context";
import { isError, problemsAt } from "./problems";

type RowIds = { id: string; describedBy: string | undefined; invalid: boolean };

type RowProps = {
  /** As `data.url`: where its problems stand. */
  path: string;
  title: ReactNode;
  help?: ReactNode;
  required?: boolean;
  /** At the right of the label. */
  aside?: ReactNode;
  /** Problems inside of it are told here, too: nothing in it tells them. */
  whole?: boolean;
  /** Label and control on one line. */
  inline?: boolean;
  className?: string;
  /** A group of controls: its label is no label of one. */
  group?: boolean;
  children: (ids: RowIds) => ReactNode;
};

/** One field of a form: its label, its control, what helps, and what is wrong with it. */
export function Row(props: RowProps) {
  const { path, title, help, required, aside, whole = true, inline, group, children } = props;
  const id = useId();
  const { problems } = useForm();
  const found = problemsAt(problems, path, whole);
  const notes = found.length > 0 || help ? `${id}-notes` : undefined;
  const box = useRef<HTMLDivElement>(null);
  const Label = group ? "span" : "label";
  useFocus(
    path,
    true,
    useCallback(() => {
      box.current?.scrollIntoView({ block: "nearest" });
      box.current?.querySelector<HTMLElement>("input, textarea, [role=combobox]")?.focus();
    }, []),
    whole,
  );
  const label = (
    <Label
      {...(group ? { id: `${id}-label` } : { htmlFor: id })}
      className="min-w-0 truncate font-medium text-soft text-table"
    >
      {title}
      {required && (
        <span className="text-muted" title="Needed">
          {" "}
          *
        </span>
      )}
    </Label>
  );
  const control = children({ id, describedBy: notes, invalid: found.some(isError) });
  return (
    <div
      ref={box}
      data-path={path}
      {...(group ? { role: "group", "aria-labelledby": `${id}-label` } : {})}
      className={cx("flex min-w-0 scroll-m-4 flex-col gap-1", props.className)}
    >
      {inline ? (
        <div className="flex min-h-8 items-center justify-between gap-3">
          {label}
          {control}
        </div>
      ) : (
        <>
          {(title || aside) && (
            <div className="flex min-h-6 items-center justify-between gap-2">
              {label}
              {aside && <div className="flex items-center gap-0.5">{aside}</div>}
            </div>
          )}
          {control}
        </>
      )}
      {(found.length > 0 || help) && (
        <div id={notes} className="flex flex-col gap-0.5">
          {found.map((problem) => (
            <ProblemLine
              key={`${problem.code} ${problem.line} ${problem.message}`}
              {...{ problem }}
            />
          ))}
          {help && found.length === 0 && <p className="text-muted text-table">{help}</p>}
        </div>
      )}
    </div>
  );
}

/** A problem beneath its field: what is wrong, and what helps. */
export function ProblemLine({ problem }: { problem: Detail }) {
  const wrong = isError(problem);
  const Icon = wrong ? CircleX : TriangleAlert;
  return (
    <p className={cx("flex gap-1.5 text-table", wrong ? "text-errored" : "text-waiting")}>
      <Icon size={12} className="mt-[3px] shrink-0" aria-label={wrong ? "Error" : "Warning"} />
      <span className="min-w-0 break-words">
        {problem.line !== undefined && problem.line > 1 && `Line ${problem.line}: `}
        {problem.message}
        {problem.hint && <span className="text-muted"> {problem.hint}</span>}
      </span>
    </p>
  );
}
