import { Minus, Pencil, Plus } from "lucide-react";
import type { ReactNode } from "react";
import { FAMILIES, familyOf, iconOf } from "@/canvas/families";
import { CodeDiff } from "@/design/code";
import { cx } from "@/design/cx";
import type { EdgeChange, FieldChange, GraphDiff, NodeChange } from "./graph-diff";

const SIGNS = {
  added: { icon: Plus, text: "text-complete", word: "Added" },
  removed: { icon: Minus, text: "text-errored", word: "Removed" },
  changed: { icon: Pencil, text: "text-running", word: "Changed" },
} as const;

function Sign({ kind }: { kind: keyof typeof SIGNS }) {
  const { icon: Icon, text, word } = SIGNS[kind];
  return (
    <span className={cx("flex w-20 shrink-0 items-center gap-1.5 text-table", text)}>
      <Icon size={14} />
      {word}
    </span>
  );
}

/** What differs, node by node. */
export function GraphChanges({ diff }: { diff: GraphDiff }) {
  const aside = [
    diff.moved > 0 && `${diff.moved} ${diff.moved === 1 ? "node stands" : "nodes stand"} elsewhere`,
    diff.notes && "notes differ",
  ].filter(Boolean);
  return (
    <div className="flex flex-col gap-1">
      {diff.nodes.map((change) => (
        <NodeLine key={`${change.kind} ${change.node.id}`} change={change} />
      ))}
      {diff.edges.map((edge) => (
        <EdgeLine key={`${edge.kind} ${edge.source} ${edge.label} ${edge.target}`} edge={edge} />
      ))}
      {diff.graph.length > 0 && (
        <Line sign={<Sign kind="changed" />} title="The graph itself">
          <Fields fields={diff.graph} />
        </Line>
      )}
      {aside.length > 0 && (
        <p className="py-1 text-muted text-table">
          Besides, {aside.join(" and ")}: nothing of it changes what runs.
        </p>
      )}
    </div>
  );
}

function Line({
  sign,
  title,
  children,
}: {
  sign: ReactNode;
  title: ReactNode;
  children?: ReactNode;
}) {
  return (
    <div className="rounded-control border px-3 py-1.5">
      <div className="flex min-w-0 items-center gap-2">
        {sign}
        {title}
      </div>
      {children}
    </div>
  );
}

function NodeLine({ change }: { change: NodeChange }) {
  const { node } = change;
  const Icon = iconOf(node.type);
  return (
    <Line
      sign={<Sign kind={change.kind} />}
      title={
        <>
          <span
            className={cx(
              "flex size-5 shrink-0 items-center justify-center rounded-[4px]",
              FAMILIES[familyOf(node.type)].tile,
            )}
          >
            <Icon size={12} />
          </span>
          <span className="truncate font-medium">{node.name}</span>
          <span className="truncate font-mono text-muted text-table">{node.id}</span>
        </>
      }
    >
      {change.kind === "changed" && <Fields fields={change.fields} />}
    </Line>
  );
}

function EdgeLine({ edge }: { edge: EdgeChange }) {
  return (
    <Line
      sign={<Sign kind={edge.kind} />}
      title={
        <span className="min-w-0 truncate font-mono text-table">
          {edge.source} → {edge.target}
          {edge.label && <span className="text-muted"> · {edge.label}</span>}
        </span>
      }
    />
  );
}

function Fields({ fields }: { fields: FieldChange[] }) {
  return (
    <dl className="mt-1.5 flex flex-col gap-1.5 border-t pt-1.5">
      {fields.map((field) => (
        <div key={field.path} className="grid gap-x-3 md:grid-cols-[8rem_1fr]">
          <dt className="truncate font-mono text-muted text-table">{field.path}</dt>
          <dd className="min-w-0">
            {isLong(field.before) || isLong(field.after) ? (
              <div className="max-h-60 overflow-auto rounded-control border">
                <CodeDiff
                  before={spelled(field.before)}
                  after={spelled(field.after)}
                  language={field.path.endsWith("code") ? "python" : "text"}
                  label={field.path}
                />
              </div>
            ) : (
              <span className="flex flex-wrap items-baseline gap-x-2 font-mono text-table">
                {field.before !== undefined && (
                  <del className="text-errored break-all">{spelled(field.before)}</del>
                )}
                {field.after !== undefined && (
                  <ins className="text-complete break-all no-underline">{spelled(field.after)}</ins>
                )}
              </span>
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function spelled(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value || "“”" : JSON.stringify(value);
}

function isLong(value: unknown): boolean {
  return typeof value === "string" && value.includes("\n");
}
