/** Keeps entry code with its workflow a moment after the last change. */

import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError, api, must } from "@/api/client";
import { type FullWorkflow, queries } from "@/api/queries";
import { isError } from "@/forms/problems";
import type { Graph } from "@/graph/model";
import { entryProblems } from "./compiled";

export type EntrySaving = "saved" | "unsaved" | "saving" | "wrong" | "refused" | "conflict";
/** `base` is the revision of the code that was there when the first change was made. */
type Waiting = { code: string | null; base: number };

/** What could not be saved, by workflow: it is still there when the tab is opened again. */
const unsaved = new Map<string, Waiting>();

const AFTER = 700;

/**
 * `code` null is the default entry code. What has errors is not saved: the server keeps none. What
 * somebody else changed since `revision` is not replaced unasked.
 */
export function useEntrySaving(workflow: string, kind: Graph["kind"], revision: number) {
  const cache = useQueryClient();
  const [first] = useState(() => unsaved.get(workflow) ?? null);
  const [saving, setSaving] = useState<EntrySaving>(first ? "unsaved" : "saved");
  const [error, setError] = useState<unknown>(null);
  const waiting = useRef<Waiting | null>(first);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const busy = useRef(false);
  const base = useRef(first?.base ?? revision);
  // revisions only rise; while something waits here, what others did is found out by saving
  if (!waiting.current) base.current = Math.max(base.current, revision);

  const flush = useCallback(async () => {
    clearTimeout(timer.current);
    const next = waiting.current;
    if (!next || busy.current) return;
    busy.current = true;
    try {
      const problems = next.code === null ? [] : await entryProblems(kind, next.code);
      if (problems.some(isError)) {
        setError(null);
        return setSaving("wrong");
      }
      setSaving("saving");
      const made = await must(
        api.PATCH("/api/workflows/{id}", {
          params: { path: { id: workflow } },
          body: { entryCode: next.code, entryRevision: base.current },
        }),
      );
      base.current = made.entryRevision;
      if (waiting.current === next) {
        waiting.current = null;
        unsaved.delete(workflow);
      } else if (waiting.current) {
        waiting.current.base = made.entryRevision;
      }
      cache.setQueryData<FullWorkflow>(queries.workflow(workflow).queryKey, (full) =>
        full ? { ...full, entryCode: next.code, entryRevision: made.entryRevision } : full,
      );
      setError(null);
      setSaving(waiting.current ? "unsaved" : "saved");
    } catch (refused) {
      if (refused instanceof ApiError && refused.code === "entry.conflict") {
        setError(null);
        return setSaving("conflict");
      }
      setError(refused);
      setSaving("refused");
    } finally {
      busy.current = false;
      if (waiting.current && waiting.current !== next) timer.current = setTimeout(flush, AFTER);
    }
  }, [workflow, kind, cache]);

  const save = useCallback(
    (code: string | null) => {
      waiting.current = { code, base: base.current };
      unsaved.set(workflow, waiting.current);
      setSaving("unsaved");
      clearTimeout(timer.current);
      timer.current = setTimeout(flush, AFTER);
    },
    [workflow, flush],
  );

  useEffect(() => {
    if (waiting.current) void flush();
    const leave = (event: BeforeUnloadEvent) => {
      if (waiting.current) event.preventDefault();
    };
    window.addEventListener("beforeunload", leave);
    return () => {
      window.removeEventListener("beforeunload", leave);
      void flush();
    };
  }, [flush]);

  /** Somebody else was quicker: what is here replaces theirs, or is given up for it. */
  const settle = useCallback(
    async (keepMine: boolean) => {
      const params = { path: { id: workflow } };
      const full = await must(api.GET("/api/workflows/{id}/full", { params }));
      base.current = full.entryRevision;
      if (keepMine) return await flush();
      waiting.current = null;
      unsaved.delete(workflow);
      setSaving("saved");
      cache.setQueryData<FullWorkflow>(queries.workflow(workflow).queryKey, full);
    },
    [workflow, flush, cache],
  );

  return { saving, error, save, again: flush, settle, waiting: first };
}
