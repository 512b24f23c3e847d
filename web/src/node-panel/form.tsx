import { Trash2 } from "lucide-react";
import { useMemo } from "react";
import type { NodeType } from "@/api/queries";
import { IconButton } from "@/design/button";
import { Switch } from "@/design/field";
import { useEditor, useEditorStore } from "@/editor/store";
import { useForm } from "@/forms/context";
import { held, retriesSaid, strangers } from "@/forms/data";
import { Fold } from "@/forms/fold";
import { problemsElsewhere, within } from "@/forms/problems";
import { ProblemLine } from "@/forms/row";
import { type FormField, fieldsOf, spelled } from "@/forms/schema";
import { SchemaField } from "@/forms/schema-field";
import { setData } from "@/graph/edits";
import type { GraphNode } from "@/graph/model";
import { BranchForm } from "./branch-form";
import { type Change, useChange } from "./change";
import { HTTP_FIELDS, HttpForm } from "./http-form";
import { LoopForm } from "./loop-form";
import { codeNames } from "./names";

/** Types with a form of their own for these fields; all else is made from the schema. */
const OWN: Record<string, { form: typeof HttpForm; fields: ReadonlySet<string> }> = {
  http_request: { form: HttpForm, fields: HTTP_FIELDS },
  sub_script: { form: HttpForm, fields: new Set([...HTTP_FIELDS].filter((one) => one !== "url")) },
  branch: { form: BranchForm, fields: new Set(["branches"]) },
  loop: {
    form: LoopForm,
    fields: new Set([
      "loopType",
      "collection",
      "condition",
      "count",
      "itemVar",
      "indexVar",
      "concurrency",
      "maxIterations",
    ]),
  },
};

/** Few people need these. */
const ADVANCED: Record<string, ReadonlySet<string>> = { step: new Set(["rollback", "inline"]) };

type FormProps = { node: GraphNode; type: NodeType };

/** Everything that can be said of a node, by the schema of its type. */
export function Form({ node, type }: FormProps) {
  const { problems } = useForm();
  const change = useChange(node);
  const fields = useMemo(() => {
    const rare = ADVANCED[type.type];
    return fieldsOf(type.schema).map((field) =>
      rare?.has(field.name) ? { ...field, group: "advanced" } : field,
    );
  }, [type]);
  const own = OWN[node.type];
  const Own = own?.form;
  const others = fields.filter((field) => !own?.fields.has(field.name));
  const groups = [...new Set(others.flatMap((field) => field.group ?? []))];
  const names = [...fields.map((field) => field.name), "output"];
  const strange = strangers(node.data, fields);
  const elsewhere = problemsElsewhere(problems, [...names, ...strange]);
  const hasOutput = Object.hasOwn((type.schema.properties ?? {}) as object, "output");
  const shared = { node, fields, change };
  // A function is chosen before one says what is sent to it.
  const first = others.filter((field) => isFirst(field) && !field.group);
  const later = others.filter((field) => !isFirst(field) && !field.group && applies(field, node));
  return (
    <div className="flex flex-col gap-3 p-4">
      {elsewhere.length > 0 && (
        <div className="flex flex-col gap-1 rounded-control border bg-ground p-2">
          {elsewhere.map((problem) => (
            <ProblemLine key={`${problem.code} ${problem.message}`} problem={problem} />
          ))}
        </div>
      )}
      <Listed {...shared} fields={first} />
      {Own && <Own {...shared} />}
      <Listed {...shared} fields={later} />
      {fields.length === 0 && (
        <p className="text-muted">It has nothing to set: its edges say what it does.</p>
      )}
      <Strangers node={node} names={strange} />
      {hasOutput && <Output node={node} />}
      {groups.map((group) => (
        <Group
          key={group}
          {...shared}
          name={group}
          fields={others.filter((one) => one.group === group)}
        />
      ))}
    </div>
  );
}

function isFirst(field: FormField): boolean {
  return field.name === "workflowId" || field.name === "operation";
}

/** Whether a field means anything as the others are: nothing is waited for, nothing times out. */
function applies(field: FormField, node: GraphNode): boolean {
  return !(
    node.type === "sub_workflow" &&
    field.name === "timeout" &&
    node.data.waitForCompletion === false
  );
}

type ListedProps = { node: GraphNode; fields: readonly FormField[]; change: Change };

function Listed({ node, fields, change }: ListedProps) {
  const kind = useEditor((state) => state.graph.kind);
  const names = useMemo(() => codeNames({ kind }, node), [kind, node]);
  return fields.map((field) => (
    <SchemaField
      key={field.name}
      field={field}
      path={`data.${field.name}`}
      value={held(node.data, field)}
      onChange={(value, typed) => {
        if (field.name === "waitForCompletion" && value === false) {
          return change.data("Wait for nothing", { waitForCompletion: false, timeout: undefined });
        }
        change.field(field, value, typed);
      }}
      codeNames={names}
    />
  ));
}

const GROUPS: Record<string, string> = { retries: "Retries and timeout" };

function Group({ name, ...listed }: ListedProps & { name: string }) {
  const { problems, focus } = useForm();
  const { node, fields } = listed;
  const inIt = (path: string) => fields.some((field) => within(path, `data.${field.name}`));
  const needed = (focus !== null && inIt(focus.path)) || problems.some((one) => inIt(one.path));
  const set = fields
    .filter((field) => field.name in node.data)
    .map((field) => field.title.toLowerCase());
  const retries = fields.some((field) => field.name === "retryLimit");
  return (
    <Fold
      title={GROUPS[name] ?? spelled(name)}
      summary={retries ? retriesSaid(node.data, fields) : set.join(", ")}
      needed={needed}
    >
      <Listed {...listed} />
    </Fold>
  );
}

function Output({ node }: { node: GraphNode }) {
  const store = useEditorStore();
  const other = useEditor((state) =>
    state.graph.nodes.find((one) => one.id !== node.id && one.data.output === true),
  );
  const on = node.data.output === true;
  const set = (checked: boolean) =>
    store.getState().edit(checked ? "Mark the output" : "Unmark the output", (graph) => {
      const before = checked && other ? setData(graph, other.id, { output: undefined }) : graph;
      return setData(before, node.id, { output: checked || undefined });
    });
  return (
    <div className="flex items-center justify-between gap-3 border-t pt-3" data-path="data.output">
      <div className="min-w-0">
        <label htmlFor="node-output" className="font-medium text-soft text-table">
          The run's output
        </label>
        <p className="text-muted text-table">
          {on
            ? "A run answers this node's value."
            : other
              ? `Now it is the value of ${other.name}.`
              : "Now it is the last value of the run."}
        </p>
      </div>
      <Switch id="node-output" label="The run's output" checked={on} onChange={set} />
    </div>
  );
}

/** Fields that the type does not have: shown, so that they can be taken away. */
function Strangers({ node, names }: { node: GraphNode; names: readonly string[] }) {
  const { problems } = useForm();
  const change = useChange(node);
  return names.map((name) => (
    <div
      key={name}
      className="flex flex-col gap-1 rounded-control border bg-ground p-2"
      data-path={`data.${name}`}
    >
      <div className="flex items-center justify-between gap-2">
        <code className="min-w-0 truncate font-mono text-table">
          {name}: {JSON.stringify(node.data[name])}
        </code>
        <IconButton
          icon={Trash2}
          label={`Remove ${name}`}
          size="small"
          side="left"
          onClick={() => change.data(`Remove ${name}`, { [name]: undefined })}
        />
      </div>
      {problems
        .filter((problem) => within(problem.path, `data.${name}`))
        .map((problem) => (
          <ProblemLine key={problem.message} problem={problem} />
        ))}
    </div>
  ));
}
