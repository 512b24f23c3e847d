import { Background, useStore, ViewportPortal } from "@xyflow/react";
import { memo, useMemo } from "react";
import { STATES } from "@/design/state";
import { NODE_HEIGHT, NODE_WIDTH } from "@/graph/model";
import { colourOfType } from "./families";
import type { FlowEdge, FlowNode } from "./flow";
import type { StepData } from "./node";

/** Below this zoom nothing inside of a node can be read. */
const FAR = 0.3;

/** Whether the drawing is seen from so far away that it is a picture of boxes and lines. */
export function useFar(): boolean {
  return useStore((state) => state.transform[2] < FAR);
}

/** Below this zoom most of a drawing is in view: what comes and goes at its edges, while it is pushed
 * about, costs more than having all of it there. */
const WHOLE = 0.15;

export function useWhole(): boolean {
  return useStore((state) => state.transform[2] < WHOLE);
}

type Drawn = { nodes: readonly FlowNode[]; edges: readonly FlowEdge[] };

/** What lies behind a drawing: near, paper; from afar, the drawing itself. */
export function Backdrop(drawn: Drawn) {
  if (useFar()) return <FarPicture {...drawn} />;
  return <Background gap={24} size={1} color="var(--n-7)" />;
}

/**
 * What is seen from afar: all boxes of one colour are one path, and so are all lines. A browser lays
 * out its layers anew for each thing that is painted by itself, and there may be thousands.
 *
 * The nodes stay where they are, and can be pointed at, but paint nothing.
 */
const FarPicture = memo(function FarPicture({ nodes, edges }: Drawn) {
  const boxes = useMemo(() => boxesOf(nodes), [nodes]);
  const lines = useMemo(() => linesOf(nodes, edges), [nodes, edges]);
  return (
    <ViewportPortal>
      <svg
        aria-hidden="true"
        width={1}
        height={1}
        className="pointer-events-none absolute top-0 left-0 overflow-visible"
        data-far=""
      >
        {[...lines].map(([colour, path]) => (
          <path key={colour} d={path} fill="none" stroke={colour} strokeWidth={5} />
        ))}
        {[...boxes].map(([colour, path]) => (
          <path key={colour} d={path} fill={colour} />
        ))}
      </svg>
    </ViewportPortal>
  );
});

/** A path of boxes per colour. */
function boxesOf(nodes: readonly FlowNode[]): Map<string, string> {
  const paths = new Map<string, string>();
  for (const node of nodes) {
    if (node.type !== "step") continue;
    const colour = node.selected ? "var(--accent)" : colourOf(node.data);
    const { x, y } = node.position;
    const box = `M${x} ${y}h${NODE_WIDTH}v${NODE_HEIGHT}h${-NODE_WIDTH}z`;
    paths.set(colour, (paths.get(colour) ?? "") + box);
  }
  return paths;
}

/** What a run did decides, then what is wrong, then what the node is. */
function colourOf({ node, run, errors, warnings }: StepData): string {
  if (run) return STATES[run.state].colour;
  if (errors > 0) return "var(--errored)";
  if (warnings > 0) return "var(--waiting)";
  return `color-mix(in oklch, ${colourOfType(node.type)} 60%, var(--n-5))`;
}

/** A path of lines per colour; those that are lit last, above the others. */
function linesOf(
  nodes: readonly FlowNode[],
  edges: readonly FlowEdge[],
): [colour: string, path: string][] {
  const places = new Map(nodes.map((node) => [node.id, node.position]));
  let plain = "";
  let lit = "";
  for (const { source, target, data, selected } of edges) {
    const from = places.get(source);
    const to = places.get(target);
    if (!from || !to) continue;
    const line = lineOf(from, to, data?.around);
    if (selected || data?.taken) lit += line;
    else plain += line;
  }
  return [
    ["var(--n-8)", plain],
    ["var(--accent)", lit],
  ];
}

type Place = { x: number; y: number };

function lineOf(from: Place, to: Place, aside: number | undefined): string {
  const [x0, y0] = [from.x + NODE_WIDTH / 2, from.y + NODE_HEIGHT];
  const [x1, y1] = [to.x + NODE_WIDTH / 2, to.y];
  if (aside === undefined) return `M${x0} ${y0}V${(y0 + y1) / 2}H${x1}V${y1}`;
  return `M${from.x + NODE_WIDTH} ${y0 - NODE_HEIGHT / 2}H${aside}V${y1 - 20}H${x1}V${y1}`;
}
