/** What is being edited: one graph with its history, what is selected, and what is wrong with it. */

import { createContext, use } from "react";
import { createStore, type StoreApi, useStore } from "zustand";
import type { Detail } from "@/api/client";
import { emptyHistory, type History, redo, remember, undo } from "@/graph/history";
import type { Graph } from "@/graph/model";

/** How far what is on the canvas is kept on the server. */
type Saving = "saved" | "unsaved" | "saving" | "conflict" | "away";

export type EditorState = {
  workflow: string;
  graph: Graph;
  history: History<Graph>;
  /** Ids of selected nodes, edges and notes. */
  selected: ReadonlySet<string>;
  /** What `validate` says of the graph that is shown, or of one shortly before. */
  problems: Detail[];
  /** What is otherwise at the default connection; it keeps no deploy to another from going. */
  elsewhere: Detail[];
  /** The version that the graph was made from; null for a workflow without one. */
  baseVersion: string | null;
  /** Whether the graph differs from that version. */
  changed: boolean;
  revision: number;
  saving: Saving;
  /** Values that nodes had in the last run that reached them, by their ids. */
  samples: ReadonlyMap<string, unknown>;
  /** The payload of that run. */
  payload: unknown;
};

export type Actions = {
  /** Changes the graph. Changes with the same `merge` that follow each other are undone as one. */
  edit: (label: string, change: (graph: Graph) => Graph, merge?: string) => void;
  select: (ids: Iterable<string>) => void;
  undo: () => string | null;
  redo: () => string | null;
  set: (fields: Partial<EditorState>) => void;
};

export type EditorStore = StoreApi<EditorState & Actions>;

type Start = Pick<EditorState, "workflow" | "graph" | "baseVersion" | "changed" | "revision">;

/** Changes further apart than this are never one, in milliseconds. */
const MERGE_WITHIN = 1500;

export function createEditor(start: Start): EditorStore {
  let merging = "";
  let lastEdit = 0;
  return createStore<EditorState & Actions>((set, get) => {
    /** One step through the history; answers what it was called, null at the end. */
    const go = (step: typeof undo): string | null => {
      const { history, graph, selected } = get();
      const done = step(history, graph);
      if (!done) return null;
      merging = "";
      set({
        graph: done.value,
        history: done.history,
        changed: true,
        saving: "unsaved",
        selected: kept(selected, done.value),
      });
      return done.label;
    };
    return {
      ...start,
      history: emptyHistory<Graph>(),
      selected: new Set<string>(),
      problems: [],
      elsewhere: [],
      saving: "saved",
      samples: new Map(),
      payload: undefined,
      edit(label, change, merge = "") {
        const { graph, history } = get();
        const next = change(graph);
        if (next === graph) return;
        const now = Date.now();
        const merged = merge !== "" && merge === merging && now - lastEdit < MERGE_WITHIN;
        merging = merge;
        lastEdit = now;
        set({
          graph: next,
          history: remember(history, graph, label, merged),
          changed: true,
          saving: "unsaved",
          selected: kept(get().selected, next),
        });
      },
      select(ids) {
        const selected = new Set(ids);
        const before = get().selected;
        if (selected.size === before.size && [...selected].every((id) => before.has(id))) return;
        set({ selected });
      },
      undo: () => go(undo),
      redo: () => go(redo),
      set,
    };
  });
}

function kept(selected: ReadonlySet<string>, graph: Graph): ReadonlySet<string> {
  const ids = new Set(
    [graph.nodes, graph.edges, graph.notes ?? []].flatMap((list) => list.map((thing) => thing.id)),
  );
  const left = [...selected].filter((id) => ids.has(id));
  return left.length === selected.size ? selected : new Set(left);
}

const Editor = createContext<EditorStore | null>(null);
export const EditorProvider = Editor.Provider;

export function useEditorStore(): EditorStore {
  const store = use(Editor);
  if (!store) throw new Error("There is no editor around this component.");
  return store;
}

export function useEditor<T>(select: (state: EditorState & Actions) => T): T {
  return useStore(useEditorStore(), select);
}

/** The node that is being edited: the only one selected. */
export function useSelectedNode() {
  return useEditor(({ selected, graph }) => {
    if (selected.size !== 1) return undefined;
    const [id] = selected;
    return graph.nodes.find((node) => node.id === id);
  });
}
