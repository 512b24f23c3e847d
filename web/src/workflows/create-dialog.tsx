import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Blocks, SquareFunction, Upload, Workflow } from "lucide-react";
import { useState } from "react";
import { api, must } from "@/api/client";
import { queries } from "@/api/queries";
import { useAct } from "@/design/act";
import { Button } from "@/design/button";
import { cx } from "@/design/cx";
import { Dialog } from "@/design/dialog";
import { Field, Input } from "@/design/field";
import { Problem } from "@/design/problem";
import { kept } from "@/home/tour";

type Kind = "workflow" | "script";

const KINDS: { kind: Kind; title: string; text: string; icon: typeof Workflow }[] = [
  {
    kind: "workflow",
    title: "Workflow",
    text: "Durable runs: each step is kept, waits cost nothing, crashes lose nothing.",
    icon: Workflow,
  },
  {
    kind: "script",
    title: "Function",
    text: "Answers a request at once. No runs, no history, nothing to wait for.",
    icon: SquareFunction,
  },
];

/** A new workflow, from nothing. */
export function CreateDialog({ onClose, onImport }: { onClose: () => void; onImport: () => void }) {
  const navigate = useNavigate();
  const cache = useQueryClient();
  const [name, setName] = useState("");
  const [kind, setKind] = useState<Kind>("workflow");
  const { act, busy, error } = useAct();

  const create = () =>
    act(async () => {
      const body = { name: name.trim(), description: "", kind };
      const made = await must(api.POST("/api/workflows", { body }));
      kept.follow(made.id, cache.getQueryData(queries.workflows().queryKey));
      await cache.invalidateQueries({ queryKey: ["workflows"] });
      await navigate({ to: "/workflows/$id", params: { id: made.id } });
    });

  return (
    <Dialog open onClose={onClose} title="New workflow">
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim()) void create();
        }}
      >
        <Field label="Name">
          {(ids) => (
            <Input
              {...ids}
              autoFocus
              value={name}
              maxLength={256}
              placeholder="Refund desk"
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <fieldset className="grid gap-2 sm:grid-cols-2">
          <legend className="mb-1 font-medium text-soft text-table">Kind</legend>
          {KINDS.map((one) => (
            <label
              key={one.kind}
              className={cx(
                "flex cursor-pointer gap-2.5 rounded-control border p-3 has-focus-visible:outline-2 has-focus-visible:outline-accent",
                kind === one.kind
                  ? "border-accent bg-accent-soft"
                  : "border-line-strong hover:bg-hover",
              )}
            >
              <input
                type="radio"
                name="kind"
                value={one.kind}
                checked={kind === one.kind}
                onChange={() => setKind(one.kind)}
                className="sr-only"
              />
              <one.icon size={16} className="mt-0.5 shrink-0 text-muted" />
              <span>
                <span className="block font-medium">{one.title}</span>
                <span className="block text-soft text-table">{one.text}</span>
              </span>
            </label>
          ))}
        </fieldset>
        {error !== null && <Problem error={error} />}
        <div className="flex flex-wrap items-center gap-2">
          <span className="text-muted text-table">Or start from</span>
          <Link
            to="/templates"
            className="flex items-center gap-1 font-medium text-accent text-table hover:underline"
          >
            <Blocks size={14} /> a template
          </Link>
          <button
            type="button"
            onClick={onImport}
            className="flex items-center gap-1 font-medium text-accent text-table hover:underline"
          >
            <Upload size={14} /> a file
          </button>
          <span className="ml-auto flex gap-2">
            <Button onClick={onClose}>Cancel</Button>
            <Button look="primary" type="submit" busy={busy} disabled={!name.trim()}>
              Create
            </Button>
          </span>
        </div>
      </form>
    </Dialog>
  );
}
