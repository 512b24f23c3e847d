import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import type { Schemas } from "@/api/client";
import type { FullWorkflow, Variable } from "@/api/queries";
import { Button } from "@/design/button";
import { useConfirm } from "@/design/dialog";
import { Section } from "@/design/section";
import { failed, told } from "@/design/toast";
import { VariableDialog } from "@/environment/variable-dialog";
import { VariableTable } from "@/environment/variable-table";
import { missing, namesIn, variablesQuery } from "@/environment/variables";
import { usePatch } from "./use-patch";

type Body = Schemas["VariableBody"];

/** The whole list as the server takes it: without a value the stored one stays. */
function listOf(variables: Variable[]): Body[] {
  return variables.map(({ name, isSecret }) => ({ name, isSecret }));
}

/** The workflow's own variables. They win over the project's. */
export function OwnVariables({ workflow }: { workflow: FullWorkflow }) {
  const patch = usePatch(workflow.id);
  const confirm = useConfirm();
  const { data: shared } = useQuery(variablesQuery());
  const [editing, setEditing] = useState<Variable | { name?: string } | null>(null);
  const { envVars } = workflow;
  const edited = editing && "id" in editing ? editing : null;
  const asked = namesIn([workflow.version?.ir, workflow.draft?.ir, workflow.entryCode]);
  const absent = shared ? missing(asked, [...envVars, ...shared]) : [];
  const remove = async (variable: Variable) => {
    const inherited = shared?.some((one) => one.name === variable.name);
    const sure = await confirm({
      title: `Delete ${variable.name}?`,
      text: inherited
        ? "From the next deploy on, the project’s variable of this name is used."
        : "What is live keeps it; the next deploy has none of this name.",
      action: "Delete",
    });
    if (!sure) return;
    await patch({ envVars: listOf(envVars.filter((one) => one.id !== variable.id)) });
    told(`${variable.name} is deleted.`);
  };
  return (
    <Section
      title="Variables"
      text="Of this workflow alone; they win over the project’s. A deploy takes them along."
      aside={
        <Button icon={Plus} onClick={() => setEditing({})}>
          Add
        </Button>
      }
    >
      {absent.length > 0 && (
        <div className="mb-2 flex flex-wrap items-center gap-2">
          <span className="text-waiting">Asked for and not set:</span>
          {absent.map((name) => (
            <Button key={name} icon={Plus} onClick={() => setEditing({ name })}>
              <span className="font-mono text-table">{name}</span>
            </Button>
          ))}
        </div>
      )}
      {envVars.length === 0 ? (
        <p className="text-muted">None of its own.</p>
      ) : (
        <div className="-mx-4 -my-3">
          <VariableTable
            variables={envVars}
            onEdit={setEditing}
            onRemove={(variable) => void remove(variable).catch(failed)}
          />
        </div>
      )}
      {editing && (
        <VariableDialog
          variable={edited}
          name={edited ? undefined : editing.name}
          taken={new Set(envVars.map((variable) => variable.name))}
          onClose={() => setEditing(null)}
          onSave={async (form) => {
            const others = listOf(envVars.filter((one) => one.id !== edited?.id));
            await patch({ envVars: [...others, form] });
            told(`${form.name} is saved.`);
          }}
        />
      )}
    </Section>
  );
}
