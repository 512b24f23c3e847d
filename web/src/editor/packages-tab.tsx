import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Package, Plus, Trash2 } from "lucide-react";
import { useMemo, useState } from "react";
import { ApiError, api, must } from "@/api/client";
import { type FullWorkflow, queries } from "@/api/queries";
import { useAct } from "@/design/act";
import { Button, IconButton } from "@/design/button";
import { SkeletonRows } from "@/design/empty";
import { Field, Input } from "@/design/field";
import { Problem } from "@/design/problem";
import { failed, told } from "@/design/toast";
import { useEditor } from "./store";

/** The Python packages that the code imports: installed with the next deploy. */
export function PackagesTab() {
  const workflow = useEditor((state) => state.workflow);
  const { data: full, error } = useQuery(queries.workflow(workflow));
  if (error) {
    return (
      <div className="max-w-140 p-4">
        <Problem error={error} />
      </div>
    );
  }
  return full ? <Packages full={full} /> : <SkeletonRows />;
}

function Packages({ full }: { full: FullWorkflow }) {
  const cache = useQueryClient();
  const [text, setText] = useState("");
  const nodePackages = useNodePackages();
  const adding = useAct();
  const removing = useAct(failed);
  const busy = adding.busy || removing.busy;
  const save = async (dependencies: string[]) => {
    await must(
      api.PATCH("/api/workflows/{id}", {
        params: { path: { id: full.id } },
        body: { dependencies },
      }),
    );
    await cache.invalidateQueries({ queryKey: queries.workflow(full.id).queryKey, exact: true });
  };
  const add = async () => {
    const more = text
      .split(/[,;]?\s+(?=[A-Za-z])/)
      .map((one) => one.trim())
      .filter(Boolean);
    if (more.length === 0) return;
    await adding.act(async () => {
      await save([...new Set([...full.dependencies, ...more])]);
      setText("");
    });
  };
  const remove = async (name: string) => {
    const before = full.dependencies;
    await removing.act(async () => {
      await save(before.filter((one) => one !== name));
      told(`Removed ${name}.`, () => void save(before).catch(failed));
    });
  };
  return (
    <div className="flex max-w-160 flex-col gap-3 p-4">
      <form
        className="flex items-start gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          void add();
        }}
      >
        <Field
          label="Add a package"
          hint="A name, with versions where they matter. Installed with the next deploy."
          error={adding.error === null ? undefined : said(adding.error)}
          className="flex-1"
        >
          {(ids) => (
            <Input
              {...ids}
              value={text}
              placeholder="httpx>=0.28"
              spellCheck={false}
              autoComplete="off"
              className="font-mono text-table"
              onChange={(event) => {
                setText(event.target.value);
                adding.clear();
              }}
            />
          )}
        </Field>
        <Button type="submit" icon={Plus} busy={busy} className="mt-[22px]">
          Add
        </Button>
      </form>
      {full.dependencies.length === 0 ? (
        <p className="flex items-center gap-2 text-muted">
          <Package size={14} /> No packages yet: the standard library is always there.
        </p>
      ) : (
        <ul aria-label="Packages" className="flex flex-col divide-y rounded-control border">
          {full.dependencies.map((name) => (
            <li key={name} className="flex h-9 items-center gap-2 pr-1 pl-3">
              <Package size={14} className="text-muted" />
              <span className="min-w-0 flex-1 truncate font-mono text-table">{name}</span>
              <IconButton
                icon={Trash2}
                label={`Remove ${name}`}
                size="small"
                side="left"
                disabled={busy}
                onClick={() => void remove(name)}
              />
            </li>
          ))}
        </ul>
      )}
      {nodePackages.length > 0 && (
        <p className="text-muted text-table">
          Nodes bring along: <span className="font-mono">{nodePackages.join(", ")}</span>
        </p>
      )}
    </div>
  );
}

/** What the nodes that are drawn need by themselves. */
function useNodePackages(): string[] {
  const nodes = useEditor((state) => state.graph.nodes);
  const { data: types } = useQuery(queries.nodeTypes());
  return useMemo(() => {
    const drawn = new Set(nodes.map((node) => node.type));
    const found = (types ?? []).filter((type) => drawn.has(type.type));
    return [...new Set(found.flatMap((type) => type.packages ?? []))];
  }, [nodes, types]);
}

function said(error: unknown): string {
  if (error instanceof ApiError && error.details.length > 0) {
    return error.details.map((one) => [one.message, one.hint].filter(Boolean).join(" ")).join(" ");
  }
  return error instanceof Error ? error.message : String(error);
}
