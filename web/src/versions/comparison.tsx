import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { queries, type Version } from "@/api/queries";
import { CodeDiff, CodeEditor } from "@/design/code";
import { CopyTextButton } from "@/design/copy";
import { SkeletonRows } from "@/design/empty";
import { Select } from "@/design/field";
import { Problem } from "@/design/problem";
import { Tabs } from "@/design/tabs";
import { graphFrom } from "@/graph/from";
import { GraphChanges } from "./graph-changes";
import { diffGraphs, inWords } from "./graph-diff";
import { Thumbnail } from "./thumbnail";

type Show = "graph" | "code";

type ComparisonProps = {
  workflow: string;
  versions: Version[];
  live: string | null;
  shown: Version;
  against: Version | undefined;
  show: Show;
  onChange: (next: { against?: string; show?: "code" }) => void;
};

const NONE = "-";

/** One version, or what differs between it and another: as a graph, and as code. */
export function Comparison(props: ComparisonProps) {
  const { versions, live, shown, against, show, onChange } = props;
  return (
    <section
      aria-label={`Version ${shown.version}`}
      className="flex min-h-0 min-w-0 flex-1 flex-col"
    >
      <Tabs<Show>
        label="Shown as"
        className="min-h-0 flex-1"
        value={show}
        onChange={(next) => onChange({ show: next === "code" ? "code" : undefined })}
        aside={
          <div className="w-48 shrink-0">
            <Select
              label="Compare with"
              value={against?.id ?? NONE}
              onChange={(id) =>
                onChange({
                  against: id,
                })
              }
              choices={[
                { value: NONE, label: "Alone, with nothing" },
                ...versions
                  .filter((version) => version.id !== shown.id)
                  .map((version) => ({
                    value: version.id,
                    label: `against version ${version.version}${version.id === live ? " (live)" : ""}`,
                  })),
              ]}
            />
          </div>
        }
        tabs={[
          { value: "graph", label: "Graph", content: <GraphTab {...props} /> },
          { value: "code", label: "Code", content: <CodeTab {...props} /> },
        ]}
      />
    </section>
  );
}

function GraphTab({ workflow, shown, against }: ComparisonProps) {
  const now = useQuery(queries.version(workflow, shown.id));
  const before = useQuery({
    ...queries.version(workflow, against?.id ?? ""),
    enabled: against !== undefined,
  });
  const graph = useMemo(() => now.data && graphFrom(now.data.ir, ""), [now.data]);
  const diff = useMemo(
    () =>
      graph && before.data && against ? diffGraphs(graphFrom(before.data.ir, ""), graph) : null,
    [graph, before.data, against],
  );
  const error = now.error ?? before.error;
  if (error) return <Problem error={error} />;
  if (!graph || (against && !diff)) return <SkeletonRows />;
  return (
    <div className="flex flex-col gap-4 p-4 md:p-6">
      {diff && against && (
        <>
          <p className="text-soft">
            From version {against.version} to version {shown.version}: {inWords(diff)}.
          </p>
          <GraphChanges diff={diff} />
        </>
      )}
      {graph.module !== undefined && (
        <p className="text-muted">
          It is a module written by hand: the <strong className="font-medium">Code</strong> tab has
          all of it.
        </p>
      )}
      <Thumbnail
        large
        graph={graph}
        diff={diff}
        className="h-72 w-full rounded-panel border bg-ground"
      />
    </div>
  );
}

function CodeTab({ workflow, shown, against }: ComparisonProps) {
  const now = useQuery(queries.versionCode(workflow, shown.id));
  const before = useQuery({
    ...queries.versionCode(workflow, against?.id ?? ""),
    enabled: against !== undefined,
  });
  const error = now.error ?? before.error;
  if (error) {
    return (
      <div className="p-4">
        <Problem error={error} />
      </div>
    );
  }
  if (!now.data || (against && !before.data)) return <SkeletonRows />;
  const { code } = now.data;
  const was = against ? before.data?.code : undefined;
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex items-center gap-2 border-b px-4 text-muted text-table">
        <span className="flex-1 py-2">
          {was === undefined
            ? "The Python module, with the entry code of now"
            : was === code
              ? "Both compile to the same module, with the entry code of now."
              : "Both with the entry code of now"}
        </span>
        <CopyTextButton text={code} label="Copy the module" />
      </div>
      <div className="min-h-0 flex-1 overflow-auto">
        {was === undefined || was === code ? (
          <CodeEditor
            value={code}
            language="python"
            label={`Code of version ${shown.version}`}
            readOnly
            fill
            lineNumbers
          />
        ) : (
          <CodeDiff
            before={was}
            after={code}
            language="python"
            label={`What differs in the code of version ${shown.version}`}
          />
        )}
      </div>
    </div>
  );
}
