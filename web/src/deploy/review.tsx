import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { CircleX, Rocket, TriangleAlert } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { ApiError, type Detail } from "@/api/client";
import { type FullWorkflow, queries, type Version } from "@/api/queries";
import { useAct } from "@/design/act";
import { Button } from "@/design/button";
import { Field, Input, Select } from "@/design/field";
import { plural } from "@/design/format";
import { Problem } from "@/design/problem";
import { useEditor, useEditorStore } from "@/editor/store";
import { graphFrom } from "@/graph/from";
import { deploy } from "./deploying";
import { saveVersion } from "./save-version";
import { useChanges } from "./use-changes";
import { WhatChanges } from "./what-changes";

type ReviewProps = { workflow: FullWorkflow; version?: Version; onClose: () => void };

/** Before a deploy: where to, what changes, what stops it. */
export function Review({ workflow, version, onClose }: ReviewProps) {
  const cache = useQueryClient();
  const store = useEditorStore();
  const edited = useEditor((state) => state.graph);
  const changed = useEditor((state) => state.changed);
  const problems = useEditor((state) => state.problems);
  const saved = useQuery({
    ...queries.version(workflow.id, version?.id ?? ""),
    enabled: version !== undefined,
  });
  const { data: connections } = useQuery(queries.connections());
  const { data: versions } = useQuery(queries.versions(workflow.id));
  const number = versions?.find((one) => one.id === store.getState().baseVersion)?.version;
  const [connection, setConnection] = useState<string>();
  const [note, setNote] = useState("");
  const { act, busy, error } = useAct();

  const graph = useMemo(
    () => (version ? saved.data && graphFrom(saved.data.ir, workflow.name) : edited) ?? null,
    [version, saved.data, edited, workflow.name],
  );
  const found = version ? [] : problems;
  const errors = found.filter((problem) => problem.severity !== "warning");
  const changes = useChanges(workflow, graph, errors.length === 0);
  const saves = !version && (changed || store.getState().baseVersion === null);
  const place = connection ?? connections?.find((one) => one.isDefault)?.id ?? connections?.[0]?.id;

  const start = () =>
    act(async () => {
      const target = version ?? (saves ? await save() : await base());
      void deploy({
        workflow: workflow.id,
        name: workflow.name,
        target: { versionId: target.id, number: target.version, connectionId: place },
        packages: workflow.dependencies.length > 0,
        before: workflow.deployment?.id ?? null,
        cache,
      });
    });

  const save = async () => {
    const made = await saveVersion(store, note.trim() || null);
    await cache.invalidateQueries({ queryKey: ["workflows", workflow.id] });
    return made;
  };

  const base = () =>
    cache.fetchQuery(queries.version(workflow.id, store.getState().baseVersion as string));

  return (
    <div className="flex flex-col gap-4">
      {errors.length > 0 && <Stops problems={errors} workflow={workflow.id} onClose={onClose} />}
      {changes.missing.length > 0 && (
        <Warning>
          {changes.missing.length === 1 ? "A variable is" : "Variables are"} asked for and not set:{" "}
          <span className="font-mono text-table">{changes.missing.join(", ")}</span>. Steps that
          need {changes.missing.length === 1 ? "it" : "them"} will fail.
        </Warning>
      )}
      <div className="grid gap-3 sm:grid-cols-2">
        {connections && connections.length > 1 ? (
          <Field label="Connection">
            {({ id }) => (
              <Select
                id={id}
                value={place ?? ""}
                onChange={setConnection}
                choices={connections.map((one) => ({ value: one.id, label: one.name }))}
              />
            )}
          </Field>
        ) : (
          <Fact label="Connection">{connections?.[0]?.name ?? "…"}</Fact>
        )}
        {saves ? (
          <Field label="Note on the new version (optional)">
            {(ids) => (
              <Input
                {...ids}
                value={note}
                maxLength={1000}
                placeholder="What changed, and why"
                onChange={(event) => setNote(event.target.value)}
              />
            )}
          </Field>
        ) : (
          <Fact label="Version">
            {version
              ? `${version.version}, as it was saved`
              : `${number ?? "The newest"}: nothing was changed since it was saved`}
          </Fact>
        )}
      </div>
      <WhatChanges workflow={workflow} changes={changes} />
      {error !== null && <Refused error={error} workflow={workflow.id} onClose={onClose} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button
          look="primary"
          icon={Rocket}
          busy={busy}
          disabled={errors.length > 0 || graph === null}
          onClick={() => void start()}
        >
          {saves ? "Save and deploy" : "Deploy"}
        </Button>
      </div>
    </div>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="flex flex-col gap-1">
      <span className="font-medium text-soft text-table">{label}</span>
      <span className="py-1.5">{children}</span>
    </div>
  );
}

function Warning({ children }: { children: ReactNode }) {
  return (
    <p className="flex gap-2 rounded-control border border-waiting/40 bg-waiting/5 p-3">
      <TriangleAlert size={16} className="mt-0.5 shrink-0 text-waiting" />
      <span className="min-w-0">{children}</span>
    </p>
  );
}

type StopsProps = { problems: Detail[]; workflow: string; onClose: () => void };

/** What must be repaired first; a click leads to the node. */
function Stops({ problems, workflow, onClose }: StopsProps) {
  const store = useEditorStore();
  const navigate = useNavigate();
  const open = (node: string) => {
    store.getState().select([node]);
    onClose();
    void navigate({ to: "/workflows/$id", params: { id: workflow }, search: { node } });
  };
  const names = new Map(store.getState().graph.nodes.map((node) => [node.id, node.name]));
  return (
    <section
      aria-label="What stops it"
      className="rounded-control border border-errored/40 bg-errored/5 p-3"
    >
      <p className="mb-1 font-medium">
        {plural(problems.length, "problem stops", "problems stop")} this deploy
      </p>
      <ul className="-mx-2 max-h-60 overflow-auto">
        {problems.map((problem) => (
          <li key={`${problem.code} ${problem.nodeId} ${problem.path} ${problem.message}`}>
            <button
              type="button"
              disabled={!problem.nodeId}
              onClick={() => open(problem.nodeId)}
              className="flex w-full gap-2 rounded-control px-2 py-1 text-left enabled:hover:bg-hover"
            >
              <CircleX size={14} className="mt-0.75 shrink-0 text-errored" />
              <span className="min-w-0">
                {problem.nodeId && (
                  <span className="font-medium">
                    {names.get(problem.nodeId) ?? problem.nodeId}:{" "}
                  </span>
                )}
                {problem.message}
                {problem.hint && (
                  <span className="block text-muted text-table">{problem.hint}</span>
                )}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A refusal; where it names nodes, each leads there. */
export function Refused({
  error,
  workflow,
  onClose,
}: Omit<StopsProps, "problems"> & { error: unknown }) {
  const nodes = error instanceof ApiError ? error.details.filter((detail) => detail.nodeId) : [];
  return nodes.length > 0 ? (
    <Stops problems={nodes} workflow={workflow} onClose={onClose} />
  ) : (
    <Problem error={error} />
  );
}
