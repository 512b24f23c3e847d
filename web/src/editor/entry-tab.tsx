import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { RotateCcw, ShieldPlus } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { type FullWorkflow, queries } from "@/api/queries";
import { useAct } from "@/design/act";
import { Button } from "@/design/button";
import { CodeEditor } from "@/design/code";
import type { CodeProblem } from "@/design/code-mirror";
import { cx } from "@/design/cx";
import { SkeletonRows } from "@/design/empty";
import { Menu } from "@/design/menu";
import { Problem } from "@/design/problem";
import { failed, told } from "@/design/toast";
import { completePython } from "@/forms/completion";
import { isError } from "@/forms/problems";
import { ProblemLine } from "@/forms/row";
import { useVariables } from "@/forms/variables";
import { defaultEntry, entryProblems, useSettled } from "./compiled";
import { entryNames } from "./entry-names";
import { type EntrySaving, useEntrySaving } from "./entry-saving";
import { SNIPPETS, type Snippet, withSnippet } from "./entry-snippets";
import { useEditor } from "./store";

type Kind = FullWorkflow["kind"];

/** The code of the worker's `fetch` handler: what happens when somebody calls the Worker URL. */
export function EntryTab() {
  const workflow = useEditor((state) => state.workflow);
  const kind = useEditor((state) => state.graph.kind);
  const { data: full, error } = useQuery(queries.workflow(workflow));
  const usual = useQuery({
    queryKey: ["default-entry", kind],
    queryFn: () => defaultEntry(kind),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const wrong = error ?? usual.error;
  if (wrong) {
    return (
      <div className="max-w-140 p-4">
        <Problem error={wrong} />
      </div>
    );
  }
  if (!full || usual.data === undefined) return <SkeletonRows />;
  return <EntryEditor key={workflow} full={full} usual={usual.data} kind={kind} />;
}

type EntryEditorProps = { full: FullWorkflow; usual: string; kind: Kind };

function EntryEditor({ full, usual, kind }: EntryEditorProps) {
  const kept = full.entryCode ?? usual;
  const { saving, error, save, again, settle, waiting } = useEntrySaving(
    full.id,
    kind,
    full.entryRevision,
  );
  const [text, setText] = useState(waiting ? (waiting.code ?? usual) : kept);
  const variables = useVariables(full.id);
  const complete = useMemo(
    () => completePython(entryNames(variables, kind === "workflow")),
    [variables, kind],
  );
  const problems = useEntryProblems(kind, text, usual);
  const marks = useMemo(
    () =>
      problems.map<CodeProblem>((one) => ({
        line: one.line ?? 1,
        column: one.column ?? 1,
        message: one.message,
        severity: isError(one) ? "error" : "warning",
      })),
    [problems],
  );

  // Changed elsewhere, as by a revert: it is shown, unless something here is not saved yet.
  const shown = useRef(kept);
  useEffect(() => {
    if (kept === shown.current) return;
    shown.current = kept;
    if (saving === "saved") setText(kept);
  }, [kept, saving]);

  const change = (next: string) => {
    setText(next);
    const code = next.trim() === usual.trim() ? null : next;
    shown.current = code ?? usual;
    save(code);
  };
  const put = (snippet: Snippet) => {
    const next = withSnippet(text, snippet);
    if (next === null) return told("This check is there already.");
    change(next);
    told(`Added: ${snippet.title}.`, () => change(text));
  };
  const missing = SNIPPETS.flatMap(({ secret }) =>
    secret && text.includes(`"${secret}"`) && !variables.some((one) => one.name === secret)
      ? [secret]
      : [],
  );
  return (
    <div className="flex h-full flex-col">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b px-3 py-1.5">
        <p className="min-w-0 flex-1 basis-60 text-muted text-table">
          Runs for each call of the Worker URL. Changes take effect with the next deploy.
        </p>
        <Saved saving={saving} custom={text.trim() !== usual.trim()} />
        <Menu
          trigger={
            <Button look="ghost" icon={ShieldPlus} className="h-7! px-2!">
              Add a check
            </Button>
          }
          items={SNIPPETS.filter((one) => kind === "workflow" || one.id !== "idempotent").map(
            (snippet) => ({ label: snippet.title, onSelect: () => put(snippet) }),
          )}
        />
        <Button
          look="ghost"
          icon={RotateCcw}
          className="h-7! px-2!"
          disabled={text.trim() === usual.trim()}
          onClick={() => {
            change(usual);
            told("The entry code is the default again.", () => change(text));
          }}
        >
          Reset to default
        </Button>
      </div>
      {missing.length > 0 && (
        <p className="border-b px-3 py-1 text-table text-waiting">
          There is no variable {missing.join(", ")} yet: every call will be refused.{" "}
          <Link to="/environment" className="text-accent underline">
            Add it in the environment
          </Link>
        </p>
      )}
      {saving === "conflict" && <Conflict settle={settle} />}
      {error !== null && (
        <div className="border-b p-2">
          <Problem
            error={error}
            action={<Button onClick={() => void again()}>Save again</Button>}
          />
        </div>
      )}
      <div className="min-h-0 flex-1">
        <CodeEditor
          fill
          lineNumbers
          label="Entry code"
          language="python"
          value={text}
          onChange={change}
          problems={marks}
          complete={complete}
        />
      </div>
      {problems.length > 0 && (
        <div className="max-h-24 overflow-auto border-t px-3 py-1.5">
          {problems.map((problem) => (
            <ProblemLine
              key={`${problem.line} ${problem.column} ${problem.message}`}
              problem={problem}
            />
          ))}
        </div>
      )}
    </div>
  );
}

const WORDS: Record<EntrySaving, string> = {
  saved: "Saved",
  unsaved: "Unsaved",
  saving: "Saving…",
  wrong: "Not saved: it has errors",
  refused: "Not saved",
  conflict: "Not saved: changed elsewhere",
};

const NOT_SAVED: ReadonlySet<EntrySaving> = new Set(["refused", "wrong", "conflict"]);

/** Somebody else, or another tab, changed the entry code meanwhile: whose stays? */
function Conflict({ settle }: { settle: (keepMine: boolean) => Promise<void> }) {
  const { act, busy } = useAct(failed);
  return (
    <div
      role="alert"
      className="flex flex-wrap items-center gap-2 border-b bg-errored/5 px-3 py-1.5 text-table"
    >
      <span className="min-w-0 flex-1 basis-60">
        The entry code was changed elsewhere since you began. Nothing is overwritten until you
        choose.
      </span>
      <Button busy={busy} onClick={() => void act(() => settle(false))}>
        Take theirs
      </Button>
      <Button look="primary" busy={busy} onClick={() => void act(() => settle(true))}>
        Keep mine
      </Button>
    </div>
  );
}

function Saved({ saving, custom }: { saving: EntrySaving; custom: boolean }) {
  return (
    <span
      role="status"
      aria-label="Entry code"
      className={cx("text-table", NOT_SAVED.has(saving) ? "text-errored" : "text-muted")}
    >
      {saving === "saved" && !custom ? "Default" : WORDS[saving]}
    </span>
  );
}

/** What the compiler says of it a moment after the last change. */
function useEntryProblems(kind: Kind, text: string, usual: string) {
  const code = useSettled(text);
  const { data = [] } = useQuery({
    queryKey: ["entry-problems", kind, code],
    queryFn: () => entryProblems(kind, code),
    enabled: code !== usual,
    placeholderData: keepPreviousData,
    retry: false,
  });
  return code === usual ? NONE : data;
}

const NONE: never[] = [];
