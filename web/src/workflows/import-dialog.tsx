import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ArrowRight, FileUp, LoaderCircle } from "lucide-react";
import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { useAct } from "@/design/act";
import { Button } from "@/design/button";
import { cx } from "@/design/cx";
import { Dialog } from "@/design/dialog";
import { plural } from "@/design/format";
import { Problem } from "@/design/problem";
import { hasRemarks, type Imported, importFile } from "./files";

/** A workflow from a file: an export of ours or of the TypeScript edition, or a bare graph. */
export function ImportDialog({ file, onClose }: { file: File | null; onClose: () => void }) {
  const navigate = useNavigate();
  const cache = useQueryClient();
  const { act, busy, error } = useAct();
  const [taken, setTaken] = useState("");
  const [made, setMade] = useState<Imported | null>(null);
  const begun = useRef(false);

  const open = useCallback(
    (id: string) => void navigate({ to: "/workflows/$id", params: { id } }),
    [navigate],
  );
  const take = useCallback(
    (given: File) =>
      act(async () => {
        setTaken(given.name);
        const imported = await importFile(given);
        await cache.invalidateQueries({ queryKey: ["workflows"] });
        if (hasRemarks(imported)) setMade(imported);
        else open(imported.id);
      }),
    [act, cache, open],
  );
  useEffect(() => {
    if (!file || begun.current) return;
    begun.current = true;
    void take(file);
  }, [file, take]);

  if (made) return <Remarks made={made} onClose={onClose} onOpen={() => open(made.id)} />;
  return (
    <Dialog
      open
      onClose={onClose}
      title="Import a workflow"
      description="An export of AwaitStep, also of its TypeScript edition, or a bare graph as JSON."
    >
      <div className="flex flex-col gap-3">
        <Drop busy={busy ? taken : null} onFile={(given) => void take(given)} />
        {error !== null && <Problem error={error} />}
      </div>
    </Dialog>
  );
}

function Drop({ busy, onFile }: { busy: string | null; onFile: (file: File) => void }) {
  const [over, setOver] = useState(false);
  return (
    <label
      className={cx(
        "flex cursor-pointer flex-col items-center gap-1 rounded-panel border border-line-strong border-dashed p-8 text-center has-focus-visible:outline-2 has-focus-visible:outline-accent",
        over ? "bg-accent-soft" : "hover:bg-ground",
      )}
      onDragOver={(event) => {
        event.preventDefault();
        event.stopPropagation();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        event.stopPropagation();
        setOver(false);
        const [file] = event.dataTransfer.files;
        if (file) onFile(file);
      }}
    >
      {busy ? (
        <LoaderCircle size={20} className="animate-spin text-muted" />
      ) : (
        <FileUp size={20} className="text-muted" />
      )}
      <span className="font-medium">
        {busy ? `Reading ${busy}…` : "Choose a file, or drop it here"}
      </span>
      <span className="text-muted text-table">
        It becomes a new workflow; nothing that is there is changed.
      </span>
      <input
        type="file"
        accept=".json,application/json"
        aria-label="File to import"
        className="sr-only"
        onChange={(event) => {
          const [file] = event.target.files ?? [];
          event.target.value = "";
          if (file) onFile(file);
        }}
      />
    </label>
  );
}

type RemarksProps = { made: Imported; onClose: () => void; onOpen: () => void };

/** What an import changed, and what is left to do by hand. */
function Remarks({ made, onClose, onOpen }: RemarksProps) {
  const { renames, needsPorting, notes, missingEnvVars } = made;
  return (
    <Dialog
      open
      onClose={onClose}
      width={640}
      title={`${made.name} is imported`}
      description="Look at this before you deploy it."
      actions={
        <Button look="primary" icon={ArrowRight} onClick={onOpen}>
          Open it
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        {needsPorting.length > 0 && (
          <Part
            title={`${plural(needsPorting.length, "piece")} of code to be written in Python`}
            text="They came in TypeScript and stand in comments."
          >
            {needsPorting.map((place) => (
              <li key={place} className="font-mono text-table">
                {place === "entryCode" ? "the entry code" : place}
              </li>
            ))}
          </Part>
        )}
        {missingEnvVars.length > 0 && (
          <Part
            title={`${plural(missingEnvVars.length, "variable")} to be set`}
            text="Files hold no secrets. Set them in the settings of the workflow."
          >
            {missingEnvVars.map((name) => (
              <li key={name} className="font-mono text-table">
                {name}
              </li>
            ))}
          </Part>
        )}
        {renames.length > 0 && (
          <Part
            title={`${plural(renames.length, "node")} under a new id`}
            text="An id is a variable in the Python code; expressions follow it."
          >
            {renames.map((rename) => (
              <li key={rename.from} className="text-table">
                {rename.name}{" "}
                <span className="font-mono text-muted">
                  {rename.from} → {rename.to}
                </span>
              </li>
            ))}
          </Part>
        )}
        {notes.length > 0 && (
          <Part title={plural(notes.length, "remark")}>
            {notes.map((note) => (
              <li key={`${note.nodeId} ${note.path} ${note.message}`} className="text-table">
                {note.message}{" "}
                <span className="font-mono text-muted">
                  {[note.nodeId, note.path].filter(Boolean).join(" · ")}
                </span>
              </li>
            ))}
          </Part>
        )}
      </div>
    </Dialog>
  );
}

function Part({ title, text, children }: { title: string; text?: string; children: ReactNode }) {
  return (
    <section>
      <h3 className="font-medium">{title}</h3>
      {text && <p className="text-muted text-table">{text}</p>}
      <ul className="mt-1 flex max-h-40 flex-col gap-0.5 overflow-auto rounded-control border bg-ground px-3 py-2 break-words">
        {children}
      </ul>
    </section>
  );
}
