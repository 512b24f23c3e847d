import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ReactFlowProvider, useReactFlow } from "@xyflow/react";
import { Code2, PencilLine } from "lucide-react";
import { useCallback, useEffect, useMemo, useState } from "react";
import type { Detail } from "@/api/client";
import { queries } from "@/api/queries";
import type { Panel } from "@/app/router";
import type { Command } from "@/design/commands";
import { menuItem, useCommands } from "@/design/commands";
import { cx } from "@/design/cx";
import { ContextMenu } from "@/design/menu";
import { EditorPanel } from "@/editor/editor-panel";
import { usePanelPlace } from "@/editor/panel-place";
import { PanelSwitch } from "@/editor/panel-switch";
import { useEditor, useEditorStore, useSelectedNode } from "@/editor/store";
import type { Place } from "@/graph/edits";
import { NodePanel } from "@/node-panel/node-panel";
import { placeFor } from "./acts";
import { Canvas, insertNode } from "./canvas";
import { useCanvasCommands } from "./canvas-commands";
import { useClipboard } from "./clipboard";
import { ConnectDialog } from "./connect-dialog";
import { ModuleEditor } from "./module-editor";
import { Palette } from "./palette";
import { Problems } from "./problems";
import { FirstNode, Tools } from "./tools";

/** The canvas with what stands around it: palette, problems, the node's form, the editor panel. */
export function CanvasTab() {
  const written = useEditor((state) => state.graph.module !== undefined);
  if (written) return <ModuleEditor />;
  return (
    <ReactFlowProvider>
      <CanvasPage />
    </ReactFlowProvider>
  );
}

function CanvasPage() {
  const store = useEditorStore();
  const { node: shown, panel } = useSearch({ from: "/shell/workflows/$id/" });
  const navigate = useNavigate({ from: "/workflows/$id" });
  const { setCenter, getZoom, screenToFlowPosition } = useReactFlow();
  const { data: list = [] } = useQuery(queries.nodeTypes());
  const types = useMemo(() => new Map(list.map((type) => [type.type, type])), [list]);
  const [place, setPlace] = useState<Place | null>(null);
  const [problem, setProblem] = useState<Detail | null>(null);
  const empty = useEditor((state) => state.graph.nodes.length === 0);
  const nothing = useEditor((state) => state.selected.size === 0);
  const selectedNode = useSelectedNode();
  const dock = usePanelPlace((state) => state.dock);

  const show = useCallback(
    (next: { node?: string; panel?: Panel }) =>
      void navigate({ to: ".", search: (before) => ({ ...before, ...next }), replace: true }),
    [navigate],
  );

  // The selected node stands in the address, and an address selects its node.
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, for the address that was opened
  useEffect(() => {
    if (shown) store.getState().select([shown]);
  }, []);
  const id = selectedNode?.id;
  useEffect(() => {
    show({ node: id });
  }, [id, show]);

  const focus = useCallback(
    (node: string) => {
      const at = store.getState().graph.nodes.find((one) => one.id === node)?.position;
      if (!at) return;
      store.getState().select([node]);
      void setCenter(at.x + 112, at.y + 28, { zoom: Math.max(getZoom(), 0.8), duration: 160 });
    },
    [store, setCenter, getZoom],
  );

  const [connecting, setConnecting] = useState<string | null>(null);
  const commands = useCanvasCommands({ onAsk: setPlace, onConnect: setConnecting });
  useCommands([
    {
      id: "node-form",
      title: "Edit the node",
      group: "Canvas",
      icon: PencilLine,
      keys: "E",
      disabled: !selectedNode,
      run: focusForm,
    },
    {
      id: "canvas-none",
      title: "Select nothing",
      group: "Canvas",
      keys: "Escape",
      disabled: nothing,
      run: () => store.getState().select([]),
    },
    ...(["entry", "packages", "code", "graph"] as const).map((name, index) => ({
      id: `panel-${name}`,
      title: {
        entry: "Entry code",
        packages: "Packages",
        code: "Compiled code",
        graph: "Graph as JSON",
      }[name],
      group: "Panels",
      icon: Code2,
      keys: `Alt+${index + 1}`,
      run: () => show({ panel: panel === name ? undefined : name }),
    })),
  ]);
  useClipboard(
    useCallback(
      () => screenToFlowPosition({ x: window.innerWidth / 2, y: window.innerHeight / 2 }),
      [screenToFlowPosition],
    ),
  );

  const pick = (type: (typeof list)[number]) => {
    const made = insertNode(store, type, place ?? placeFor(store));
    setPlace(null);
    requestAnimationFrame(() => focus(made));
  };

  return (
    <div className="relative flex h-full min-h-0">
      <div className={cx("flex min-w-0 flex-1", !(panel && dock === "right") && "flex-col")}>
        <div className="relative min-h-0 min-w-0 flex-1">
          <ContextMenu items={contextItems(commands)}>
            <div className="size-full">
              <Canvas types={types} onAsk={setPlace} onOpen={focus} />
            </div>
          </ContextMenu>
          {!place && <Tools commands={commands} onAsk={() => setPlace(placeFor(store))} />}
          {empty && !place && <FirstNode onAsk={() => setPlace({ at: { x: 0, y: 0 } })} />}
          {place && (
            <Palette
              types={list}
              place={said(place, store)}
              onPick={pick}
              onClose={() => setPlace(null)}
            />
          )}
          <Problems
            onOpen={(found) => {
              setProblem(found);
              if (found.nodeId) focus(found.nodeId);
              else if (found.path.startsWith("entryCode")) show({ panel: "entry" });
            }}
          />
        </div>
        {panel ? (
          <EditorPanel
            panel={panel}
            onPanel={(next) => show({ panel: next })}
            onClose={() => show({ panel: undefined })}
            onNode={focus}
          />
        ) : (
          <PanelSwitch onPanel={(next) => show({ panel: next })} />
        )}
      </div>
      {connecting && <ConnectDialog source={connecting} onClose={() => setConnecting(null)} />}
      {selectedNode && (
        <NodePanel
          key={selectedNode.id}
          node={selectedNode}
          type={types.get(selectedNode.type)}
          problem={problem?.nodeId === selectedNode.id ? problem : null}
          onClose={() => store.getState().select([])}
        />
      )}
    </div>
  );
}

/** From the canvas into the form beside it, without a pointer. An editor of code may still be loading. */
function focusForm(): void {
  const before = document.activeElement;
  const until = performance.now() + 3000;
  const look = () => {
    if (document.activeElement !== before || performance.now() > until) return;
    const field = document.querySelector<HTMLElement>(
      "aside [role=tabpanel] :is(input,select,[contenteditable=true])",
    );
    if (field) field.focus();
    else requestAnimationFrame(look);
  };
  look();
}

function said(place: Place, store: ReturnType<typeof useEditorStore>): string {
  const { graph } = store.getState();
  const name = (id: string) => graph.nodes.find((node) => node.id === id)?.name ?? id;
  if ("edge" in place) {
    const edge = graph.edges.find((one) => one.id === place.edge);
    return edge ? `Between ${name(edge.source)} and ${name(edge.target)}` : "Anywhere";
  }
  if ("after" in place)
    return `After ${name(place.after)}${place.label ? `, by ${place.label}` : ""}`;
  return "Click one, or drag it onto the canvas or an edge";
}

const ON_CANVAS = [
  "canvas-add",
  "canvas-note",
  "|",
  "canvas-copy",
  "canvas-cut",
  "canvas-paste",
  "canvas-duplicate",
  "|",
  "canvas-connect",
  "canvas-start",
  "canvas-layout",
  "canvas-fit",
  "|",
  "canvas-delete",
];

function contextItems(commands: Command[]) {
  const byId = new Map(commands.map((command) => [command.id, command]));
  return ON_CANVAS.flatMap((id) => {
    if (id === "|") return "separator" as const;
    const command = byId.get(id);
    return command ? menuItem(command) : [];
  });
}
