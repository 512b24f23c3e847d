import { useState } from "react";
import type { FullWorkflow } from "@/api/queries";
import { CodeDiff } from "@/design/code";
import { cx } from "@/design/cx";
import { Skeleton } from "@/design/empty";
import { plural } from "@/design/format";
import { Tabs } from "@/design/tabs";
import { GraphChanges } from "@/versions/graph-changes";
import { inWords, isSame } from "@/versions/graph-diff";
import type { Changes } from "./use-changes";

type Tab = "graph" | "code" | "rest";

/** Against what is live: the graph, the module, packages and variables. */
export function WhatChanges({ workflow, changes }: { workflow: FullWorkflow; changes: Changes }) {
  const [tab, setTab] = useState<Tab>("graph");
  const { diff, rest, loading } = changes;
  if (workflow.deployment?.status !== "active") {
    return (
      <p className="rounded-control border bg-ground p-3 text-soft">
        Nothing is live yet. After this it has a Worker URL, takes runs from the dashboard and the
        API, and keeps every step.
      </p>
    );
  }
  if (loading || !diff) return <Skeleton className="h-40" />;
  const others = rest ? lines(rest) : [];
  return (
    <section aria-label="What changes" className="rounded-panel border">
      <Tabs<Tab>
        label="What changes"
        value={tab}
        onChange={setTab}
        tabs={[
          {
            value: "graph",
            label: `Graph: ${inWords(diff)}`,
            content: (
              <div className="max-h-80 overflow-auto p-3">
                {isSame(diff) && diff.moved === 0 && !diff.notes ? (
                  <p className="text-muted">The graph is the one that is live.</p>
                ) : (
                  <GraphChanges diff={diff} />
                )}
              </div>
            ),
          },
          {
            value: "code",
            label: "Code",
            content: (
              <div className="max-h-80 overflow-auto">
                <Code code={rest?.code} />
              </div>
            ),
          },
          {
            value: "rest",
            label: "Packages and variables",
            badge: others.length > 0 && (
              <span className="rounded-full bg-sunken px-1.5 text-small">{others.length}</span>
            ),
            content: <Others lines={others} known={rest !== null} />,
          },
        ]}
      />
    </section>
  );
}

function Code({ code }: { code: NonNullable<Changes["rest"]>["code"] | undefined }) {
  if (!code) return <p className="p-3 text-muted">It can’t be compiled as it is.</p>;
  if (code.before === null) {
    return <p className="p-3 text-muted">The file of the module that is live is lost.</p>;
  }
  if (code.before === code.after) {
    return <p className="p-3 text-muted">The module stays as it is.</p>;
  }
  return (
    <CodeDiff
      before={code.before}
      after={code.after}
      language="python"
      label="How the module changes"
    />
  );
}

type Line = { sign: "+" | "−" | "~"; name: string; what: string };

function lines({ packages, variables }: NonNullable<Changes["rest"]>): Line[] {
  const had = packages.before ?? [];
  const line = (sign: Line["sign"], what: string) => (name: string) => ({ sign, name, what });
  return [
    ...packages.after.filter((name) => !had.includes(name)).map(line("+", "package")),
    ...had.filter((name) => !packages.after.includes(name)).map(line("−", "package")),
    ...variables.added.map(line("+", "variable")),
    ...variables.changed.map(line("~", "variable, another value")),
    ...variables.removed.map(line("−", "variable")),
  ];
}

function Others({ lines: found, known }: { lines: Line[]; known: boolean }) {
  if (!known || found.length === 0) {
    return (
      <p className="p-3 text-muted">
        {known ? "They stay as they are." : "They are compared once the graph has no errors."}
      </p>
    );
  }
  return (
    <ul
      aria-label={plural(found.length, "change")}
      className="flex max-h-80 flex-col gap-1 overflow-auto p-3 font-mono text-table"
    >
      {found.map(({ sign, name, what }) => (
        <li key={`${sign} ${what} ${name}`} className="flex gap-2">
          <span
            className={cx(
              "w-3 text-center",
              sign === "+" ? "text-complete" : sign === "−" ? "text-errored" : "text-running",
            )}
          >
            {sign}
          </span>
          <span className="break-all">{name}</span>
          <span className="font-sans text-muted">{what}</span>
        </li>
      ))}
    </ul>
  );
}
