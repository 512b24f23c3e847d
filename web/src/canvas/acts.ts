/** What keys, menus and the clipboard do to what is selected. */

import { plural } from "@/design/format";
import { failed, told } from "@/design/toast";
import type { EditorStore } from "@/editor/store";
import { copy, paste, read } from "@/graph/clipboard";
import { type Place, remove } from "@/graph/edits";
import { waysOf } from "@/graph/model";

/** Where a node goes when nobody says: after the one that is selected, into the edge that is. */
export function placeFor(store: EditorStore): Place {
  const { selected, graph } = store.getState();
  if (selected.size === 1) {
    const [id] = selected as Set<string>;
    if (id && graph.edges.some((edge) => edge.id === id)) return { edge: id };
    if (id && graph.nodes.some((node) => node.id === id)) return { after: id };
  }
  const ends = graph.nodes.filter((node) => !graph.edges.some((edge) => edge.source === node.id));
  const last = ends.at(-1);
  return last ? { after: last.id } : { at: { x: 0, y: 0 } };
}

export function deleteSelected(store: EditorStore): void {
  const { selected, edit } = store.getState();
  if (selected.size === 0) return;
  edit(`Delete ${selected.size}`, (graph) => remove(graph, selected));
  told(`Deleted ${plural(selected.size, "thing")}.`, () => store.getState().undo());
}

/** Puts what a text holds in the middle of the view. Says why where it can't. */
export function pasteText(store: EditorStore, text: string, at: { x: number; y: number }): void {
  try {
    const piece = read(text);
    let made: string[] = [];
    store.getState().edit(`Paste ${piece.nodes.length}`, (graph) => {
      const pasted = paste(graph, piece, at);
      made = pasted.ids;
      return pasted.graph;
    });
    store.getState().select(made);
  } catch (error) {
    failed(error);
  }
}

/** A second one of what is selected, a little beside it. */
export function duplicate(store: EditorStore): void {
  const { graph, selected, edit, select } = store.getState();
  const piece = copy(graph, selected);
  const [first] = piece.nodes;
  if (!first) return;
  let made: string[] = [];
  const xs = piece.nodes.map((node) => node.position.x);
  const ys = piece.nodes.map((node) => node.position.y);
  const middle = {
    x: (Math.min(...xs) + Math.max(...xs)) / 2 + 48,
    y: (Math.min(...ys) + Math.max(...ys)) / 2 + 48,
  };
  edit(`Duplicate ${piece.nodes.length}`, (now) => {
    const pasted = paste(now, piece, middle);
    made = pasted.ids;
    return pasted.graph;
  });
  select(made);
}

export type Way = "down" | "up" | "left" | "right";

/** From the selected node along its ways: down, up, or to the next arm beside. */
export function selectNext(store: EditorStore, way: Way): string | null {
  const { selected, graph, select } = store.getState();
  const [current] = selected;
  if (!current || !graph.nodes.some((node) => node.id === current)) {
    if (graph.entryNodeId) select([graph.entryNodeId]);
    return graph.entryNodeId || null;
  }
  const { out, into } = waysOf(graph);
  let next: string | undefined;
  if (way === "down") next = out.get(current)?.[0]?.target;
  else if (way === "up") next = into.get(current)?.[0]?.source;
  else {
    const parent = into.get(current)?.[0]?.source;
    const beside = (parent ? (out.get(parent) ?? []) : []).map((edge) => edge.target);
    const at = (id: string) => graph.nodes.find((node) => node.id === id)?.position.x ?? 0;
    beside.sort((a, b) => at(a) - at(b));
    next = beside[beside.indexOf(current) + (way === "left" ? -1 : 1)];
  }
  if (next) select([next]);
  return next ?? null;
}
