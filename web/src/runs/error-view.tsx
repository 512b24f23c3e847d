import { useQuery } from "@tanstack/react-query";
import { queries, type RunError } from "@/api/queries";
import { CodeEditor } from "@/design/code";
import { Traceback } from "@/design/traceback";

type ErrorViewProps = { error: RunError; workflow: string; version: string };

/** What went wrong, the line of the deployed code that it came from, and how it got there. */
export function ErrorView({ error, workflow, version }: ErrorViewProps) {
  return (
    <div className="flex flex-col gap-3">
      <div className="rounded-control border border-errored/40 bg-errored/5 p-3">
        <p className="font-semibold text-errored">{error.name}</p>
        <p className="mt-0.5 break-words whitespace-pre-wrap">{error.message}</p>
        {error.code && <p className="mt-1 font-mono text-muted text-table">{error.code}</p>}
      </div>
      {error.line != null && <FailingLine line={error.line} {...{ workflow, version }} />}
      {error.traceback && <Traceback text={error.traceback} />}
    </div>
  );
}

type FailingLineProps = { line: number; workflow: string; version: string };

function FailingLine({ line, workflow, version }: FailingLineProps) {
  const { data, error } = useQuery(queries.versionCode(workflow, version));
  if (error) return null;
  return (
    <figure className="overflow-hidden rounded-control border">
      <figcaption className="border-b bg-sunken px-3 py-1 font-mono text-muted text-table">
        worker.py, line {line}
      </figcaption>
      {data && (
        <div className="[&>div]:rounded-none [&>div]:border-0 [&_.cm-marked]:bg-errored/8! [&_.cm-marked]:shadow-[inset_2px_0_var(--errored)]">
          <CodeEditor
            label={`Code around line ${line}`}
            language="python"
            value={data.code}
            readOnly
            lineNumbers
            marked={[line, line]}
            maxHeight={260}
          />
        </div>
      )}
    </figure>
  );
}
