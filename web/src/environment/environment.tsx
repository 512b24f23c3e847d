import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, TriangleAlert, Variable as VariableIcon } from "lucide-react";
import { useState } from "react";
import { api, must } from "@/api/client";
import type { Variable } from "@/api/queries";
import { Page } from "@/app/page";
import { Button } from "@/design/button";
import { useConfirm } from "@/design/dialog";
import { Empty, SkeletonRows } from "@/design/empty";
import { plural } from "@/design/format";
import { Problem } from "@/design/problem";
import { failed, told } from "@/design/toast";
import { useGraphs, useMissing, useUses } from "./use-uses";
import { VariableDialog } from "./variable-dialog";
import { VariableTable } from "./variable-table";
import { variablesQuery } from "./variables";

/** The variables that all workflows of the project see. */
export function Environment() {
  const cache = useQueryClient();
  const confirm = useConfirm();
  const { data, error } = useQuery(variablesQuery());
  const graphs = useGraphs();
  const uses = useUses(graphs);
  const absent = useMissing(graphs);
  const [editing, setEditing] = useState<Variable | { name?: string } | null>(null);
  const again = () => cache.invalidateQueries({ queryKey: ["env-vars"] });
  const edited = editing && "id" in editing ? editing : null;
  const names = [...new Set(absent.flatMap((one) => one.names))].sort();

  const remove = async (variable: Variable) => {
    const users = uses.get(variable.name) ?? [];
    const sure = await confirm({
      title: `Delete ${variable.name}?`,
      text:
        users.length > 0
          ? `${users.map((use) => use.name).join(", ")} ${users.length === 1 ? "asks" : "ask"} for it. What is live keeps the value it was deployed with; the next deploy has none.`
          : "What is live keeps the value it was deployed with; the next deploy has none.",
      action: "Delete",
    });
    if (!sure) return;
    await must(api.DELETE("/api/env-vars/{id}", { params: { path: { id: variable.id } } }));
    await again();
    const { name, value } = variable;
    told(
      `${name} is deleted.`,
      value === null
        ? undefined
        : () =>
            void must(api.POST("/api/env-vars", { body: { name, value, isSecret: false } }))
              .then(again)
              .catch(failed),
    );
  };

  return (
    <Page
      title="Environment"
      aside={data && <span className="text-muted">{plural(data.length, "variable")}</span>}
      actions={
        <Button look="primary" icon={Plus} onClick={() => setEditing({})}>
          Add
        </Button>
      }
    >
      {error && (
        <div className="p-4 md:p-6">
          <Problem error={error} />
        </div>
      )}
      {names.length > 0 && data && (
        <div className="flex flex-wrap items-center gap-2 border-b bg-waiting/5 px-4 py-2 md:px-6">
          <TriangleAlert size={16} className="shrink-0 text-waiting" />
          <span className="min-w-0">
            {absent.map((one) => one.workflow.name).join(", ")}{" "}
            {absent.length === 1 ? "asks" : "ask"} for what is not set:
          </span>
          {names.map((name) => (
            <Button key={name} icon={Plus} onClick={() => setEditing({ name })}>
              <span className="font-mono text-table">{name}</span>
            </Button>
          ))}
        </div>
      )}
      {!data && !error && <SkeletonRows />}
      {data?.length === 0 && (
        <Empty
          icon={VariableIcon}
          title="No variables yet"
          action={
            <Button look="primary" icon={Plus} onClick={() => setEditing({})}>
              Add a variable
            </Button>
          }
        >
          Tokens, addresses and switches live here, not in graphs. Code reads them as{" "}
          <code className="font-mono text-table">env.NAME</code>. Each deploy takes the values of
          that moment along; a workflow’s own variables win over these.
        </Empty>
      )}
      {data && data.length > 0 && (
        <>
          <VariableTable
            variables={data}
            uses={uses}
            onEdit={setEditing}
            onRemove={(variable) => void remove(variable).catch(failed)}
          />
          <p className="px-4 py-3 text-muted text-table md:px-6">
            A change is seen by a workflow once it is deployed again.
          </p>
        </>
      )}
      {editing && (
        <VariableDialog
          variable={edited}
          name={edited ? undefined : editing.name}
          taken={new Set(data?.map((variable) => variable.name))}
          onClose={() => setEditing(null)}
          onSave={async (form) => {
            if (edited) {
              const params = { path: { id: edited.id } };
              await must(api.PATCH("/api/env-vars/{id}", { params, body: form }));
            } else {
              await must(api.POST("/api/env-vars", { body: { ...form, value: form.value ?? "" } }));
            }
            await again();
            told(`${form.name} is saved.`);
          }}
        />
      )}
    </Page>
  );
}
