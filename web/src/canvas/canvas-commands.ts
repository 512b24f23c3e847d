/** Everything that can be done on the canvas, as commands: for keys, palette and menus alike. */

import { useReactFlow } from "@xyflow/react";
import {
  ArrowDown,
  ClipboardCopy,
  ClipboardPaste,
  CopyPlus,
  Flag,
  LayoutDashboard,
  Maximize,
  Plus,
  Redo2,
  Scissors,
  Spline,
  SquareDashedMousePointer,
  StickyNote,
  Trash2,
  Undo2,
  ZoomIn,
  ZoomOut,
} from "lucide-react";
import { type Command, useCommands } from "@/design/commands";
import { plural } from "@/design/format";
import { failed, told } from "@/design/toast";
import { type EditorStore, useEditor, useEditorStore } from "@/editor/store";
import { asText, copy, paste, read } from "@/graph/clipboard";
import { addNote, move, type Place, remove, setEntry } from "@/graph/edits";
import { waysOf } from "@/graph/model";
import { layOut } from "./layout";

type Given = {
  onAsk: (place: Place) => void;
  /** Asks where a way from this node is to lead. */
  onConnect: (source: string) => void;
};

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

function duplicate(store: EditorStore): void {
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

/** From the selected node along its ways: down, up, or to the next arm beside. */
function step(store: EditorStore, way: "down" | "up" | "left" | "right"): string | null {
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

export function useCanvasCommands({ onAsk, onConnect }: Given): Command[] {
  const store = useEditorStore();
  const { fitView, zoomIn, zoomOut, screenToFlowPosition, getNode, setCenter, getZoom } =
    useReactFlow();
  const some = useEditor((state) => state.selected.size > 0);
  const canUndo = useEditor((state) => state.history.past.at(-1)?.label);
  const canRedo = useEditor((state) => state.history.future.at(-1)?.label);

  const middle = () =>
    screenToFlowPosition({ x: window.innerWidth / 2, y: window.innerHeight / 2 });
  const go = (way: "down" | "up" | "left" | "right") => () => {
    const id = step(store, way);
    const node = id && getNode(id);
    if (node) {
      void setCenter(node.position.x + 112, node.position.y + 28, {
        zoom: getZoom(),
        duration: 150,
      });
      document.querySelector<HTMLElement>(`.react-flow__node[data-id="${id}"]`)?.focus();
    }
  };
  const toClipboard = () => {
    const { graph, selected } = store.getState();
    const piece = copy(graph, selected);
    if (piece.nodes.length > 0) void navigator.clipboard.writeText(asText(piece));
  };

  const commands: Command[] = [
    {
      id: "canvas-add",
      title: "Add a node",
      group: "Canvas",
      icon: Plus,
      keys: "A",
      run: () => onAsk(placeFor(store)),
    },
    {
      id: "canvas-undo",
      title: canUndo ? `Undo: ${canUndo}` : "Undo",
      group: "Canvas",
      icon: Undo2,
      keys: "Mod+Z",
      disabled: !canUndo,
      run: () => void store.getState().undo(),
    },
    {
      id: "canvas-redo",
      title: canRedo ? `Redo: ${canRedo}` : "Redo",
      group: "Canvas",
      icon: Redo2,
      keys: "Mod+Shift+Z",
      disabled: !canRedo,
      run: () => void store.getState().redo(),
    },
    {
      id: "canvas-copy",
      title: "Copy",
      group: "Canvas",
      icon: ClipboardCopy,
      disabled: !some,
      run: toClipboard,
    },
    {
      id: "canvas-cut",
      title: "Cut",
      group: "Canvas",
      icon: Scissors,
      disabled: !some,
      run: () => {
        toClipboard();
        deleteSelected(store);
      },
    },
    {
      id: "canvas-paste",
      title: "Paste",
      group: "Canvas",
      icon: ClipboardPaste,
      run: () =>
        void navigator.clipboard
          .readText()
          .then((text) => pasteText(store, text, middle()), failed),
    },
    {
      id: "canvas-duplicate",
      title: "Duplicate",
      group: "Canvas",
      icon: CopyPlus,
      keys: "Mod+D",
      disabled: !some,
      run: () => duplicate(store),
    },
    {
      id: "canvas-delete",
      title: "Delete",
      group: "Canvas",
      icon: Trash2,
      keys: "Backspace",
      alsoKeys: "Delete",
      danger: true,
      disabled: !some,
      run: () => deleteSelected(store),
    },
    {
      id: "canvas-all",
      title: "Select all",
      group: "Canvas",
      icon: SquareDashedMousePointer,
      keys: "Mod+A",
      run: () => store.getState().select(store.getState().graph.nodes.map((node) => node.id)),
    },
    {
      id: "canvas-connect",
      title: "Connect to…",
      group: "Canvas",
      icon: Spline,
      keys: "C",
      disabled: !some,
      run: () => {
        const { selected, graph } = store.getState();
        const source = graph.nodes.find((node) => selected.has(node.id));
        if (source && graph.nodes.length > 1) onConnect(source.id);
      },
    },
    {
      id: "canvas-start",
      title: "Start here",
      group: "Canvas",
      icon: Flag,
      disabled: !some,
      run: () => {
        const [id] = store.getState().selected;
        if (id) store.getState().edit("Start here", (graph) => setEntry(graph, id));
      },
    },
    {
      id: "canvas-layout",
      title: "Lay out",
      group: "Canvas",
      icon: LayoutDashboard,
      keys: "L",
      run: () =>
        void layOut(store.getState().graph).then((places) => {
          store.getState().edit("Lay out", (graph) => move(graph, places));
          requestAnimationFrame(() => void fitView({ maxZoom: 1, padding: 0.2, duration: 180 }));
        }, failed),
    },
    {
      id: "canvas-note",
      title: "Add a note",
      group: "Canvas",
      icon: StickyNote,
      keys: "N",
      run: () => {
        let made = "";
        store.getState().edit("Add note", (graph) => {
          const added = addNote(graph, middle());
          made = added.id;
          return added.graph;
        });
        store.getState().select([made]);
      },
    },
    {
      id: "canvas-fit",
      title: "Show everything",
      group: "Canvas",
      icon: Maximize,
      keys: "F",
      run: () => void fitView({ maxZoom: 1, padding: 0.2, duration: 180 }),
    },
    {
      id: "canvas-in",
      title: "Zoom in",
      group: "Canvas",
      icon: ZoomIn,
      keys: "+",
      run: () => void zoomIn({ duration: 120 }),
    },
    {
      id: "canvas-out",
      title: "Zoom out",
      group: "Canvas",
      icon: ZoomOut,
      keys: "-",
      run: () => void zoomOut({ duration: 120 }),
    },
    {
      id: "canvas-down",
      title: "Next node",
      group: "Canvas",
      icon: ArrowDown,
      keys: "J",
      run: go("down"),
    },
    { id: "canvas-up", title: "Node before", group: "Canvas", keys: "K", run: go("up") },
    { id: "canvas-left", title: "Arm to the left", group: "Canvas", keys: "H", run: go("left") },
    {
      id: "canvas-right",
      title: "Arm to the right",
      group: "Canvas",
      keys: "Shift+L",
      run: go("right"),
    },
  ];
  useCommands(commands);
  return commands;
}
