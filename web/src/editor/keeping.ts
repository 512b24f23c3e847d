/** Keeps what is edited on the server as a draft, and asks what is wrong with it. */

import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { ApiError, api, type Detail, must } from "@/api/client";
import { queries } from "@/api/queries";
import { failed } from "@/design/toast";
import { asJson } from "@/graph/model";
import { type EditorStore, useEditorStore } from "./store";

const SAVE_AFTER = 800;
const CHECK_AFTER = 250;
const TRY_AGAIN_AFTER = 3000;

/** Saves the draft a moment after the last change, one request at a time. */
export function useAutosave(): void {
  const store = useEditorStore();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let busy = false;
    let stopped = false;
    const later = (delay: number) => {
      clearTimeout(timer);
      timer = setTimeout(save, delay);
    };
    const save = async () => {
      const { saving } = store.getState();
      if (busy || stopped || (saving !== "unsaved" && saving !== "away")) return;
      busy = true;
      const again = await saveDraft(store);
      busy = false;
      if (!stopped && again !== null) later(again);
    };
    const unsubscribe = store.subscribe((state, before) => {
      if (state.graph !== before.graph) later(SAVE_AFTER);
    });
    const leave = (event: BeforeUnloadEvent) => {
      if (store.getState().saving !== "saved") event.preventDefault();
    };
    window.addEventListener("beforeunload", leave);
    return () => {
      stopped = true;
      clearTimeout(timer);
      unsubscribe();
      window.removeEventListener("beforeunload", leave);
      if (store.getState().saving === "unsaved") void saveDraft(store);
    };
  }, [store]);
}

/** Saves what is there now. Answers when to try again, null for not at all. */
export async function saveDraft(store: EditorStore): Promise<number | null> {
  const { workflow, graph, baseVersion, revision, set } = store.getState();
  set({ saving: "saving" });
  try {
    const draft = await must(
      api.PUT("/api/workflows/{id}/draft", {
        params: { path: { id: workflow } },
        body: { ir: asJson(graph), baseVersionId: baseVersion, revision },
      }),
    );
    const unchanged = store.getState().graph === graph;
    set({ revision: draft.revision, saving: unchanged ? "saved" : "unsaved" });
    return unchanged ? null : SAVE_AFTER;
  } catch (error) {
    if (error instanceof ApiError && error.code === "draft.conflict") {
      set({ saving: "conflict" });
      return null;
    }
    set({ saving: "away" });
    if (error instanceof ApiError && error.passing) return TRY_AGAIN_AFTER;
    failed(error);
    return null;
  }
}

/** A problem with all its fields: the server leaves out what it does not know. */
export function complete(problem: Partial<Detail> & Pick<Detail, "code" | "message">): Detail {
  return { severity: "error", path: "", nodeId: "", line: 1, column: 1, hint: "", ...problem };
}

type Place = { id: string; name: string };

/** What the check for a connection tells beyond the one for none; nothing where it can't be had. */
async function differences(ir: Record<string, unknown>, { id, name }: Place, known: number) {
  try {
    const body = { ir, connectionId: id };
    const { diagnostics } = await must(api.POST("/api/validate", { body }));
    // it is about the module as a whole
    const hint = `At ${name}, the default connection.`;
    return diagnostics.slice(known).map((one) => ({ ...complete(one), hint, line: 0 }));
  } catch (error) {
    if (error instanceof ApiError && !error.passing) return [];
    throw error;
  }
}

/** Asks `validate` a moment after each change, and keeps its answer beside the graph. */
export function useProblems(): void {
  const store = useEditorStore();
  const { data: connections } = useQuery(queries.connections());
  // the built-in one is what all others are compared to
  const connection = connections?.find((one) => one.isDefault && !one.builtin);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let asked = 0;
    const check = async () => {
      const mine = ++asked;
      const { graph } = store.getState();
      try {
        const ir = asJson(graph);
        const report = await must(api.POST("/api/validate", { body: { ir } }));
        if (mine !== asked) return;
        store.getState().set({ problems: report.diagnostics.map(complete) });
        const asks = connection !== undefined && report.valid;
        const elsewhere = asks ? await differences(ir, connection, report.diagnostics.length) : [];
        if (mine === asked) store.getState().set({ elsewhere });
      } catch (error) {
        if (error instanceof ApiError && error.passing) timer = setTimeout(check, TRY_AGAIN_AFTER);
      }
    };
    timer = setTimeout(check, 0);
    const unsubscribe = store.subscribe((state, before) => {
      if (state.graph === before.graph) return;
      clearTimeout(timer);
      timer = setTimeout(check, CHECK_AFTER);
    });
    return () => {
      asked = -1;
      clearTimeout(timer);
      unsubscribe();
    };
  }, [store, connection]);
}
