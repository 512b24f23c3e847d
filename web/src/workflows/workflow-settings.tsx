import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { CircleSlash, Download, Package, Trash2 } from "lucide-react";
import { useState } from "react";
import { type FullWorkflow, queries } from "@/api/queries";
import { Page } from "@/app/page";
import { takeDown } from "@/deployments/take-down";
import { Button } from "@/design/button";
import { Id } from "@/design/copy";
import { useConfirm } from "@/design/dialog";
import { SkeletonRows } from "@/design/empty";
import { Field, Input, Textarea } from "@/design/field";
import { plural } from "@/design/format";
import { Problem } from "@/design/problem";
import { Section } from "@/design/section";
import { failed } from "@/design/toast";
import { exportWorkflow } from "./files";
import { LimitsForm } from "./limits-form";
import { OwnVariables } from "./own-variables";
import { PayloadSchema } from "./payload-schema";
import { SaveBar } from "./save-bar";
import { TriggerForm } from "./trigger-form";
import { usePatch } from "./use-patch";
import { useDelete } from "./workflow-acts";

/** Everything about a workflow that is not in its graph. */
export function WorkflowSettings() {
  const { id } = useParams({ from: "/shell/workflows/$id/settings" });
  const { data: workflow, error } = useQuery(queries.workflow(id));
  if (error) {
    return (
      <Page title="Settings" narrow>
        <Problem error={error} />
      </Page>
    );
  }
  if (!workflow) {
    return (
      <Page title="Settings" narrow>
        <SkeletonRows />
      </Page>
    );
  }
  return (
    <Page title="Settings" aside={<Id id={workflow.id} />} narrow>
      <About workflow={workflow} />
      {workflow.kind === "workflow" && <TriggerForm />}
      <Route workflow={workflow} />
      <OwnVariables workflow={workflow} />
      {workflow.kind === "workflow" && <LimitsForm workflow={workflow} />}
      <PayloadSchema workflow={workflow} />
      <Packages workflow={workflow} />
      <Danger workflow={workflow} />
    </Page>
  );
}

function About({ workflow }: { workflow: FullWorkflow }) {
  const patch = usePatch(workflow.id);
  const [text, setText] = useState(workflow.description);
  return (
    <Section title="Description" text="What it is for: shown in the list of workflows.">
      <Textarea
        aria-label="Description"
        value={text}
        maxLength={4096}
        rows={2}
        placeholder="Pays back what a customer returned, once somebody approved it."
        onChange={(event) => setText(event.target.value)}
      />
      <SaveBar
        changed={text !== workflow.description}
        onReset={() => setText(workflow.description)}
        onSave={() => patch({ description: text })}
      />
    </Section>
  );
}

function Route({ workflow }: { workflow: FullWorkflow }) {
  const patch = usePatch(workflow.id);
  const there = workflow.deployConfig.route?.pattern ?? "";
  const [pattern, setPattern] = useState(there);
  return (
    <Section
      title="Custom route"
      text="Beside its Worker URL it answers here, once the name leads to this server."
    >
      <Field
        label="Pattern"
        hint="A host and a path, which may end in a star: api.example.com/refunds/*"
      >
        {(ids) => (
          <Input
            {...ids}
            value={pattern}
            spellCheck={false}
            maxLength={512}
            placeholder="none"
            className="font-mono"
            onChange={(event) => setPattern(event.target.value)}
          />
        )}
      </Field>
      <SaveBar
        changed={pattern.trim() !== there}
        onReset={() => setPattern(there)}
        onSave={() =>
          patch({ deployConfig: { route: pattern.trim() ? { pattern: pattern.trim() } : null } })
        }
      />
    </Section>
  );
}

function Packages({ workflow }: { workflow: FullWorkflow }) {
  const count = workflow.dependencies.length;
  return (
    <Section
      title="Python packages"
      text={
        count === 0
          ? "None: the module imports the standard library only."
          : `${plural(count, "package")}, installed when it is deployed.`
      }
      aside={
        <Link
          to="/workflows/$id"
          params={{ id: workflow.id }}
          search={{ panel: "packages" }}
          className="flex h-8 items-center gap-1.5 rounded-control border border-line-strong px-3 font-medium hover:bg-hover"
        >
          <Package size={14} /> Edit
        </Link>
      }
    >
      {count === 0 ? (
        <p className="text-muted">They are declared beside the canvas.</p>
      ) : (
        <ul className="flex flex-wrap gap-1.5">
          {workflow.dependencies.map((name) => (
            <li key={name} className="rounded-control border bg-sunken px-2 font-mono text-table">
              {name}
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function Danger({ workflow }: { workflow: FullWorkflow }) {
  const remove = useDelete();
  const confirm = useConfirm();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const { deployment } = workflow;
  const live = deployment?.status === "active";
  return (
    <Section title="Danger zone" danger>
      <div className="flex flex-col gap-3">
        <Act
          title="Export"
          text="The graph, the code and the settings as one file; secrets stay here."
        >
          <Button
            icon={Download}
            onClick={() => void exportWorkflow(workflow.id, workflow.name).catch(failed)}
          >
            Export
          </Button>
        </Act>
        {live && deployment && (
          <Act title="Take down" text="Its Worker URL answers 404 and nothing can be started.">
            <Button
              look="danger"
              icon={CircleSlash}
              onClick={() => void takeDown(deployment, confirm, cache).catch(failed)}
            >
              Take down
            </Button>
          </Act>
        )}
        <Act title="Delete" text="With its versions and all its runs. It can’t be undone.">
          <Button
            look="danger"
            icon={Trash2}
            onClick={() =>
              void remove(workflow)
                .then((done) => (done ? navigate({ to: "/workflows" }) : undefined))
                .catch(failed)
            }
          >
            Delete
          </Button>
        </Act>
      </div>
    </Section>
  );
}

type ActProps = { title: string; text: string; children: React.ReactNode };

function Act({ title, text, children }: ActProps) {
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
      <div className="min-w-0 flex-1">
        <p className="font-medium">{title}</p>
        <p className="text-muted">{text}</p>
      </div>
      {children}
    </div>
  );
}
