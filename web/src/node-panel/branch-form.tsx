import { ArrowDown, ArrowUp, Plus, Trash2 } from "lucide-react";
import { Button, IconButton } from "@/design/button";
import { Input } from "@/design/field";
import { useEditorStore } from "@/editor/store";
import { useForm } from "@/forms/context";
import { ExpressionField } from "@/forms/expression-field";
import { problemsAt } from "@/forms/problems";
import { ProblemLine, Row } from "@/forms/row";
import { setData } from "@/graph/edits";
import { branchesOf } from "@/graph/model";
import type { FormPartProps } from "./change";

type Arm = { label: string; condition: string };

/** The arms of a branch in the order in which they are asked; one without a condition is for the rest. */
export function BranchForm({ node }: FormPartProps) {
  const store = useEditorStore();
  const { problems } = useForm();
  const arms = branchesOf(node).map<Arm>(({ label, condition = "" }) => ({ label, condition }));
  const rest = arms.some((arm) => arm.condition.trim() === "");
  const change = (label: string, next: Arm[], merge = "") =>
    store.getState().edit(label, (graph) => setData(graph, node.id, { branches: next }), merge);
  const set = (index: number, fields: Partial<Arm>) =>
    change(
      "Edit arm",
      arms.map((arm, at) => (at === index ? { ...arm, ...fields } : arm)),
      `arm ${node.id} ${index} ${Object.keys(fields)}`,
    );
  const move = (index: number, by: number) => {
    const next = [...arms];
    const [arm] = next.splice(index, 1);
    if (arm) next.splice(index + by, 0, arm);
    // Arms keep their edges: here labels move, none is renamed.
    store.getState().edit("Reorder arms", (graph) => ({
      ...setData(graph, node.id, { branches: next }),
      edges: graph.edges,
    }));
  };
  const add = (condition: string) =>
    change("Add arm", [
      ...arms,
      { label: freeLabel(arms, condition === "" ? "else" : "arm"), condition },
    ]);
  return (
    <div className="flex flex-col gap-2" data-path="data.branches">
      <p className="text-muted text-table">
        The first arm whose condition holds is taken.
        {!rest && " When none holds, the run goes on after the branch."}
      </p>
      {problemsAt(problems, "data.branches", false).map((problem) => (
        <ProblemLine key={problem.message} problem={problem} />
      ))}
      {arms.map((arm, index) => {
        const path = `data.branches[${index}]`;
        const otherwise = arm.condition.trim() === "";
        return (
          <div
            // biome-ignore lint/suspicious/noArrayIndexKey: an arm is its place; its label is being typed
            key={index}
            className="flex flex-col gap-1.5 rounded-control border bg-ground p-2"
          >
            <Row path={`${path}.label`} title={null}>
              {({ id, describedBy, invalid }) => (
                <div className="flex items-center gap-1">
                  <Input
                    id={id}
                    aria-label={`Label of arm ${index + 1}`}
                    aria-describedby={describedBy}
                    aria-invalid={invalid || undefined}
                    value={arm.label}
                    maxLength={256}
                    onChange={(event) => set(index, { label: event.target.value })}
                    className="h-7! font-medium"
                  />
                  <IconButton
                    icon={ArrowUp}
                    label="Ask this one earlier"
                    size="small"
                    side="left"
                    disabled={index === 0}
                    onClick={() => move(index, -1)}
                  />
                  <IconButton
                    icon={ArrowDown}
                    label="Ask this one later"
                    size="small"
                    side="left"
                    disabled={index === arms.length - 1}
                    onClick={() => move(index, 1)}
                  />
                  <IconButton
                    icon={Trash2}
                    label={`Remove the arm ${arm.label}`}
                    size="small"
                    side="left"
                    disabled={arms.length === 1}
                    onClick={() =>
                      change(
                        "Remove arm",
                        arms.filter((_, at) => at !== index),
                      )
                    }
                  />
                </div>
              )}
            </Row>
            <ExpressionField
              path={`${path}.condition`}
              title={`Condition of ${arm.label}`}
              placeholder={"else: when no other holds"}
              help={otherwise ? "Taken when no other arm holds." : undefined}
              value={arm.condition}
              onChange={(condition) => set(index, { condition })}
              condition
              bare
            />
          </div>
        );
      })}
      <div className="flex gap-1">
        <Button look="ghost" icon={Plus} className="px-2!" onClick={() => add("True")}>
          Add arm
        </Button>
        {!rest && (
          <Button look="ghost" icon={Plus} className="px-2!" onClick={() => add("")}>
            Add else
          </Button>
        )}
      </div>
    </div>
  );
}

function freeLabel(arms: readonly Arm[], stem: string): string {
  const taken = new Set(arms.map((arm) => arm.label));
  if (stem === "else" && !taken.has(stem)) return stem;
  for (let count = arms.length + 1; ; count++) {
    const label = `${stem} ${count}`;
    if (!taken.has(label)) return label;
  }
}
