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
import { failed } from "@/design/toast";
import { useEditor, useEditorStore } from "@/editor/store";
import { asText, copy } from "@/graph/clipboard";
import { move, type Place, setEntry } from "@/graph/edits";
import { addNote } from "@/graph/notes";
import { deleteSelected, duplicate, pasteText, placeFor, selectNext, type Way } from "./acts";
import { layOut } from "./layout";

type Given = {
  onAsk: (place: Place) => void;
  /** Asks where a way from this node is to lead. */
  onConnect: (source: string) => void;
};

export function useCanvasCommands({ onAsk, onConnect }: Given): Command[] {
  const store = useEditorStore();
  const { fitView, zoomIn, zoomOut, screenToFlowPosition, getNode, setCenter, getZoom } =
    useReactFlow();
  const some = useEditor((state) => state.selected.size > 0);
  const canUndo = useEditor((state) => state.history.past.at(-1)?.label);
  const canRedo = useEditor((state) => state.history.future.at(-1)?.label);

  const middle = () =>
    screenToFlowPosition({ x: window.innerWidth / 2, y: window.innerHeight / 2 });
  const go = (way: Way) => () => {
    const id = selectNext(store, way);
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
