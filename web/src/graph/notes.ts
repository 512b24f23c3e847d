/** Edits of the notes beside a drawing. */

import type { Graph, Note, Point } from "./model";
import { snap } from "./placing";

/** With none the graph has no list of them at all, as one that never had any. */
export function withNotes(graph: Graph, notes: Note[]): Graph {
  const { notes: _, ...rest } = graph;
  return notes.length > 0 ? { ...rest, notes } : rest;
}

export function addNote(graph: Graph, at: Point): { graph: Graph; id: string } {
  const notes = graph.notes ?? [];
  const taken = new Set(notes.map((note) => note.id));
  let count = notes.length + 1;
  while (taken.has(`note_${count}`)) count++;
  const id = `note_${count}`;
  const position = { x: snap(at.x), y: snap(at.y) };
  return {
    graph: withNotes(graph, [...notes, { id, text: "", position, width: 224, height: 96 }]),
    id,
  };
}

export function setNote(graph: Graph, id: string, fields: Partial<Omit<Note, "id">>): Graph {
  return withNotes(
    graph,
    (graph.notes ?? []).map((note) => (note.id === id ? { ...note, ...fields } : note)),
  );
}
