import "@/canvas/canvas.css";
import { Controls, ReactFlow, ReactFlowProvider } from "@xyflow/react";
import { useMemo, useRef } from "react";
import type { NodeType, Run, Step } from "@/api/queries";
import { EDGE_DEFAULTS, EDGE_TYPES, NODE_TYPES, Overview } from "@/canvas/canvas";
import { Backdrop, useFar } from "@/canvas/far";
import { Flow, type FlowEdge, type FlowNode, type Looks } from "@/canvas/flow";
import type { Graph } from "@/graph/model";
import { paintedOf } from "./painting";

type RunCanvasProps = {
  run: Run;
  steps: readonly Step[];
  graph: Graph;
  types: ReadonlyMap<string, NodeType>;
  /** The node of the selected step. */
  selected: string | undefined;
  onSelect: (node: string | undefined) => void;
};

/** The drawing of the version that ran, with what the run did painted on it. */
export function RunCanvas(props: RunCanvasProps) {
  return (
    <ReactFlowProvider>
      <Painted {...props} />
    </ReactFlowProvider>
  );
}

const MANY = 60;

function Painted({ run, steps, graph, types, selected, onSelect }: RunCanvasProps) {
  const flow = useRef(new Flow());
  const painted = useMemo(() => paintedOf(graph, steps, run), [graph, steps, run]);
  const chosen = useMemo(() => new Set(selected ? [selected] : []), [selected]);
  const looks = useMemo<Looks>(
    () => ({ types, problems: [], readOnly: true, painted }),
    [types, painted],
  );
  const nodes = useMemo(() => flow.current.nodes(graph, looks, chosen), [graph, looks, chosen]);
  const edges = useMemo(() => flow.current.edges(graph, looks, NONE), [graph, looks]);
  const far = useFar();
  return (
    <ReactFlow<FlowNode, FlowEdge>
      aria-label="Canvas of the run"
      nodes={nodes}
      edges={far ? NO_EDGES : edges}
      nodeTypes={NODE_TYPES}
      edgeTypes={EDGE_TYPES}
      defaultEdgeOptions={EDGE_DEFAULTS}
      onNodeClick={(_, node) => node.type === "step" && onSelect(node.id)}
      onPaneClick={() => onSelect(undefined)}
      nodesDraggable={false}
      nodesConnectable={false}
      edgesFocusable={false}
      deleteKeyCode={null}
      minZoom={0.1}
      maxZoom={2}
      fitView
      fitViewOptions={{ maxZoom: 1, padding: 0.15 }}
      elevateNodesOnSelect={false}
      proOptions={{ hideAttribution: true }}
    >
      <Backdrop nodes={nodes} edges={edges} />
      <Controls showInteractive={false} position="top-right" />
      {graph.nodes.length > MANY && <Overview />}
    </ReactFlow>
  );
}

const NONE: ReadonlySet<string> = new Set();
const NO_EDGES: FlowEdge[] = [];
