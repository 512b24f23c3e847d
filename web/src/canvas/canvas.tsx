import "./canvas.css";
import {
  applyEdgeChanges,
  applyNodeChanges,
  type Connection,
  type EdgeChange,
  type EdgeTypes,
  type FitViewOptions,
  MarkerType,
  MiniMap,
  type NodeChange,
  type NodeTypes,
  ReactFlow,
  SelectionMode,
  useReactFlow,
} from "@xyflow/react";
import { type DragEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { NodeType } from "@/api/queries";
import { cx } from "@/design/cx";
import { useEditor, useEditorStore } from "@/editor/store";
import { addNode, connect, move, type Place, relabel } from "@/graph/edits";
import {
  ARM_PITCH,
  type Graph,
  NODE_HEIGHT,
  NODE_WIDTH,
  nodeOf,
  PITCH,
  type Point,
} from "@/graph/model";
import { setNote } from "@/graph/notes";
import { ArmEdge } from "./edge";
import { colourOfType } from "./families";
import { Backdrop, useFar, useWhole } from "./far";
import { Flow, type FlowEdge, type FlowNode, type Looks } from "./flow";
import { Ground } from "./ground";
import { newKind } from "./kinds";
import { StepNode } from "./node";
import { NoteNode } from "./note";
import { DRAGGED } from "./palette";

export const NODE_TYPES: NodeTypes = { step: StepNode, ground: Ground, note: NoteNode };
export const EDGE_TYPES: EdgeTypes = { arm: ArmEdge };
export const EDGE_DEFAULTS = {
  markerEnd: { type: MarkerType.ArrowClosed, width: 14, height: 14, color: "var(--n-8)" },
};

type CanvasProps = {
  types: ReadonlyMap<string, NodeType>;
  /** Asks which node is to be put there. */
  onAsk: (place: Place) => void;
  onOpen: (node: string) => void;
};

/** The drawing, to be changed. What is on it is the editor's graph; this only shows and asks. */
export function Canvas({ types, onAsk, onOpen }: CanvasProps) {
  const store = useEditorStore();
  const graph = useEditor((state) => state.graph);
  const problems = useEditor((state) => state.problems);
  const selected = useEditor((state) => state.selected);
  const { screenToFlowPosition, getEdges } = useReactFlow();
  const flow = useRef(new Flow());
  // who pushes a thousand nodes about must not have them looked at anew for it
  const frame = useRef<HTMLDivElement>(null);
  const ask = useRef(onAsk);
  ask.current = onAsk;

  const looks = useMemo<Looks>(
    () => ({
      types,
      problems,
      readOnly: false,
      onArm: (after, label) => ask.current({ after, label }),
      onInsert: (edge) => ask.current({ edge }),
      onLabel: (id, label) => store.getState().edit("Rename arm", (now) => relabel(now, id, label)),
      onNoteText: (id, text) =>
        store.getState().edit("Edit note", (now) => setNote(now, id, { text }), `note ${id}`),
      onNoteSize: (id, { x, y, width, height }) =>
        store
          .getState()
          .edit("Resize note", (now) => setNote(now, id, { position: { x, y }, width, height })),
    }),
    [types, problems, store],
  );

  const [nodes, setNodes] = useState<FlowNode[]>(() => flow.current.nodes(graph, looks, selected));
  const [edges, setEdges] = useState<FlowEdge[]>(() => flow.current.edges(graph, looks, selected));
  useEffect(() => {
    setNodes(flow.current.nodes(graph, looks, selected));
    setEdges(flow.current.edges(graph, looks, selected));
  }, [graph, looks, selected]);

  /** Nodes and edges tell of one click apart from each other: neither knows what the other chose. */
  const commitSelection = useCallback(
    (changes: (NodeChange<FlowNode> | EdgeChange<FlowEdge>)[]) => {
      const ids = new Set(store.getState().selected);
      for (const change of changes) {
        if (change.type !== "select") continue;
        if (change.selected) ids.add(change.id);
        else ids.delete(change.id);
      }
      store.getState().select(ids);
    },
    [store],
  );

  const onConnect = useCallback(
    ({ source, target, sourceHandle }: Connection) =>
      store
        .getState()
        .edit("Connect", (now) => connect(now, source, target, sourceHandle ?? undefined)),
    [store],
  );

  /** Dragged and moved by arrow keys alike: what has come to rest is an edit. */
  const commitPlaces = useCallback(
    (changes: NodeChange<FlowNode>[]) => {
      const places = new Map<string, Point>();
      for (const change of changes) {
        if (change.type === "position" && !change.dragging && change.position) {
          places.set(change.id, change.position);
        }
      }
      if (places.size === 0) return;
      const ids = [...places.keys()].join(" ");
      store.getState().edit(
        places.size === 1 ? "Move" : `Move ${places.size}`,
        (now) => {
          const moved = [...now.nodes, ...(now.notes ?? [])].some((thing) => {
            const at = places.get(thing.id);
            return (
              at && (Math.round(at.x) !== thing.position.x || Math.round(at.y) !== thing.position.y)
            );
          });
          return moved ? move(now, places) : now;
        },
        `move ${ids}`,
      );
    },
    [store],
  );

  const far = useFar();
  const whole = useWhole();
  const [dropEdge, setDropEdge] = useState<string | null>(null);
  const onDragOver = (event: DragEvent) => {
    if (!event.dataTransfer.types.includes(DRAGGED)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
    setDropEdge(edgeAt(event.clientX, event.clientY));
  };
  const onDrop = (event: DragEvent) => {
    const type = types.get(event.dataTransfer.getData(DRAGGED));
    setDropEdge(null);
    if (!type) return;
    event.preventDefault();
    const edge = edgeAt(event.clientX, event.clientY);
    const at = screenToFlowPosition({ x: event.clientX, y: event.clientY });
    const place: Place =
      edge && getEdges().some((one) => one.id === edge)
        ? { edge }
        : { at: { x: at.x - NODE_WIDTH / 2, y: at.y - NODE_HEIGHT / 2 } };
    insertNode(store, type, place);
  };

  const shownEdges = useMemo(
    () =>
      dropEdge
        ? edges.map((edge) => (edge.id === dropEdge ? { ...edge, className: "dropping" } : edge))
        : edges,
    [edges, dropEdge],
  );

  return (
    <ReactFlow<FlowNode, FlowEdge>
      aria-label="Canvas"
      nodes={nodes}
      edges={far ? selectedOf(edges) : shownEdges}
      nodeTypes={NODE_TYPES}
      edgeTypes={EDGE_TYPES}
      defaultEdgeOptions={EDGE_DEFAULTS}
      onNodesChange={(changes) => {
        setNodes(applyNodeChanges(changes, nodes));
        commitSelection(changes);
        commitPlaces(changes);
      }}
      onEdgesChange={(changes) => {
        setEdges(applyEdgeChanges(changes, edges));
        commitSelection(changes);
      }}
      onConnect={onConnect}
      onReconnect={(edge, { source, target }) =>
        store.getState().edit("Reconnect", (now) => connect(now, source, target, edge.data?.label))
      }
      onNodeDoubleClick={(_, node) => node.type === "step" && onOpen(node.id)}
      onDragOver={onDragOver}
      onDragLeave={() => setDropEdge(null)}
      onDrop={onDrop}
      onMoveStart={(event) => {
        if (event && event.type !== "wheel") frame.current?.classList.add("panning");
      }}
      onMoveEnd={() => frame.current?.classList.remove("panning")}
      ref={frame}
      className={cx(far && "far")}
      deleteKeyCode={null}
      selectionMode={SelectionMode.Partial}
      multiSelectionKeyCode={["Meta", "Control", "Shift"]}
      snapToGrid
      snapGrid={[8, 8]}
      minZoom={0.1}
      maxZoom={2}
      fitView
      fitViewOptions={firstView(graph)}
      onlyRenderVisibleElements={graph.nodes.length > ALL_AT_ONCE && !whole}
      disableKeyboardA11y={false}
      elevateNodesOnSelect={false}
      proOptions={{ hideAttribution: true }}
    >
      <Backdrop nodes={nodes} edges={edges} />
      {graph.nodes.length > WORTH_A_MAP && <Overview />}
    </ReactFlow>
  );
}

/** From afar the others are part of the picture. */
function selectedOf(edges: FlowEdge[]): FlowEdge[] {
  return edges.filter((edge) => edge.selected);
}

/** Up to so many nodes are drawn at once; of more, only those in view. */
const ALL_AT_ONCE = 150;

/** Everything where that can be read; of a large drawing, its start. */
function firstView(graph: Graph): FitViewOptions {
  const view = { maxZoom: 1, padding: 0.2 };
  if (graph.nodes.length <= ALL_AT_ONCE) return view;
  const entry = nodeOf(graph, graph.entryNodeId) ?? graph.nodes[0];
  const near = graph.nodes.filter(
    ({ position }) =>
      entry &&
      Math.abs(position.x - entry.position.x) < 3 * ARM_PITCH &&
      Math.abs(position.y - entry.position.y) < 5 * PITCH,
  );
  return { ...view, minZoom: 0.5, nodes: near };
}

/** So many nodes are seen at a glance. */
const WORTH_A_MAP = 24;

/** In pixels. The map scales its drawing to it; a size from a stylesheet would only cut it. */
const MAP_SIZE = { width: 160, height: 110 };

/** The small map of a large drawing. */
export function Overview() {
  return (
    <MiniMap<FlowNode>
      pannable
      zoomable
      ariaLabel="Overview"
      style={MAP_SIZE}
      className="max-md:!hidden"
      nodeColor={(node) =>
        node.type === "step" ? colourOfType(node.data.node.type) : "transparent"
      }
    />
  );
}

function edgeAt(x: number, y: number): string | null {
  for (const element of document.elementsFromPoint(x, y)) {
    const edge = element.closest(".react-flow__edge");
    if (edge) return edge.getAttribute("data-id");
  }
  return null;
}

/** Puts a new node on the canvas and selects it; answers its id. */
export function insertNode(
  store: ReturnType<typeof useEditorStore>,
  type: NodeType,
  place: Place,
): string {
  let made = "";
  store.getState().edit(`Add ${type.title}`, (now) => {
    const { graph, id } = addNode(now, newKind(type), place);
    made = id;
    return graph;
  });
  store.getState().select([made]);
  return made;
}
