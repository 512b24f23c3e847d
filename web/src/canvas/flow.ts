/** From the drawing to what React Flow draws. What did not change keeps its identity, so that only
 * what was touched is drawn anew. */

import type { Edge, Node } from "@xyflow/react";
import type { Detail } from "@/api/client";
import type { NodeType } from "@/api/queries";
import {
  type Graph,
  type GraphEdge,
  type GraphNode,
  isContainer,
  NODE_HEIGHT,
  NODE_WIDTH,
  THEN,
} from "@/graph/model";
import type { ArmData } from "./edge";
import { armsBox, type GroundData, groundsOf } from "./ground";
import type { Painted, StepData } from "./node";
import type { NoteData } from "./note";
import { openArms, PORTS, portOf } from "./ports";
import { sameData, samePlace } from "./unchanged";

export type FlowNode = Node<StepData, "step"> | Node<GroundData, "ground"> | Node<NoteData, "note">;
export type FlowEdge = Edge<ArmData, "arm">;

export type Looks = {
  types: ReadonlyMap<string, NodeType>;
  problems: readonly Detail[];
  readOnly: boolean;
  painted?: ReadonlyMap<string, Painted>;
  onArm?: StepData["onArm"];
  onInsert?: ArmData["onInsert"];
  onLabel?: ArmData["onLabel"];
  onNoteText?: NoteData["onText"];
  onNoteSize?: NoteData["onSize"];
};

/** Containers whose arms are called as one likes. */
const FREE_LABELS = new Set(["parallel", "race"]);

const SIZE = { width: NODE_WIDTH, height: NODE_HEIGHT };

type Counts = { errors: number; warnings: number };

function countsOf(problems: readonly Detail[]): Map<string, Counts> {
  const counts = new Map<string, Counts>();
  for (const problem of problems) {
    if (!problem.nodeId) continue;
    const count = counts.get(problem.nodeId) ?? { errors: 0, warnings: 0 };
    if (problem.severity === "warning") count.warnings++;
    else count.errors++;
    counts.set(problem.nodeId, count);
  }
  return counts;
}

/** Makes flow nodes and edges, again and again for the same canvas. */
export class Flow {
  private steps = new Map<string, Node<StepData, "step">>();
  private arms = new Map<string, FlowEdge>();
  private grounds = new Map<string, Node<GroundData, "ground">>();
  private notes = new Map<string, Node<NoteData, "note">>();

  nodes(graph: Graph, looks: Looks, selected: ReadonlySet<string>): FlowNode[] {
    const counts = countsOf(looks.problems);
    const bySource = new Map<string, GraphEdge[]>();
    for (const edge of graph.edges) {
      const list = bySource.get(edge.source);
      if (list) list.push(edge);
      else bySource.set(edge.source, [edge]);
    }
    const steps = graph.nodes.map((node) =>
      this.step(
        node,
        graph,
        looks,
        counts.get(node.id),
        bySource.get(node.id),
        selected.has(node.id),
      ),
    );
    this.steps = new Map(steps.map((step) => [step.id, step]));
    return [...this.groundNodes(graph), ...this.noteNodes(graph, looks, selected), ...steps];
  }

  private step(
    node: GraphNode,
    graph: Graph,
    looks: Looks,
    count: Counts | undefined,
    edges: GraphEdge[] | undefined,
    selected: boolean,
  ): Node<StepData, "step"> {
    const before = this.steps.get(node.id);
    const data: StepData = {
      node,
      type: looks.types.get(node.type),
      entry: graph.entryNodeId === node.id,
      errors: count?.errors ?? 0,
      warnings: count?.warnings ?? 0,
      open: looks.readOnly ? [] : openArms(node, edges),
      container: isContainer(node.type),
      begun: isContainer(node.type) && edges !== undefined,
      readOnly: looks.readOnly,
      run: looks.painted?.get(node.id),
      onArm: looks.onArm,
    };
    const same = before && sameData(before.data, data) ? before.data : data;
    if (before && same === before.data && before.selected === selected && samePlace(before, node)) {
      return before;
    }
    return {
      id: node.id,
      type: "step",
      position: node.position,
      data: same,
      selected,
      width: NODE_WIDTH,
      height: NODE_HEIGHT,
      measured: SIZE,
      handles: same.open.length > 0 ? [...PORTS, ...same.open.map(portOf)] : PORTS,
      draggable: !looks.readOnly,
      deletable: false,
      ariaLabel: `${node.name}, ${looks.types.get(node.type)?.title ?? node.type}`,
    };
  }

  private groundNodes(graph: Graph): FlowNode[] {
    const made = groundsOf(graph).map((box): Node<GroundData, "ground"> => {
      const before = this.grounds.get(box.id);
      if (
        before?.position.x === box.x &&
        before.position.y === box.y &&
        before.width === box.width &&
        before.height === box.height
      ) {
        return before;
      }
      return {
        id: box.id,
        type: "ground",
        position: { x: box.x, y: box.y },
        width: box.width,
        height: box.height,
        data: { label: box.label },
        selectable: false,
        draggable: false,
        focusable: false,
        connectable: false,
        deletable: false,
        zIndex: -2,
        style: { pointerEvents: "none" },
      };
    });
    this.grounds = new Map(made.map((ground) => [ground.id, ground]));
    return made;
  }

  private noteNodes(graph: Graph, looks: Looks, selected: ReadonlySet<string>): FlowNode[] {
    const made = (graph.notes ?? []).map((note): Node<NoteData, "note"> => {
      const before = this.notes.get(note.id);
      const isSelected = selected.has(note.id);
      if (
        before?.data.text === note.text &&
        before.position === note.position &&
        before.width === note.width &&
        before.height === note.height &&
        before.selected === isSelected
      ) {
        return before;
      }
      return {
        id: note.id,
        type: "note",
        position: note.position,
        width: note.width ?? 224,
        height: note.height ?? 96,
        selected: isSelected,
        draggable: !looks.readOnly,
        deletable: false,
        connectable: false,
        zIndex: -1,
        data: {
          text: note.text,
          readOnly: looks.readOnly,
          onText: looks.onNoteText,
          onSize: looks.onNoteSize,
        },
      };
    });
    this.notes = new Map(made.map((note) => [note.id, note]));
    return made;
  }

  edges(graph: Graph, looks: Looks, selected: ReadonlySet<string>): FlowEdge[] {
    const boxes = armsBox(graph);
    const free = new Set(
      graph.nodes.filter((node) => FREE_LABELS.has(node.type)).map((node) => node.id),
    );
    const made = graph.edges.map((edge): FlowEdge => {
      const before = this.arms.get(edge.id);
      const around = edge.label === THEN ? boxes.get(edge.source) : undefined;
      const isSelected = selected.has(edge.id);
      const onLabel =
        !looks.readOnly && free.has(edge.source) && edge.label !== THEN ? looks.onLabel : undefined;
      const taken = Boolean(looks.painted?.has(edge.source) && looks.painted.has(edge.target));
      if (
        before &&
        before.source === edge.source &&
        before.target === edge.target &&
        before.data?.label === edge.label &&
        before.data?.around === around &&
        before.data?.onLabel === onLabel &&
        before.data?.taken === taken &&
        before.selected === isSelected
      ) {
        return before;
      }
      return {
        id: edge.id,
        type: "arm",
        source: edge.source,
        target: edge.target,
        selected: isSelected,
        deletable: false,
        reconnectable: looks.readOnly ? false : "target",
        data: {
          label: edge.label,
          around,
          taken,
          onInsert: looks.readOnly ? undefined : looks.onInsert,
          onLabel,
        },
        ariaLabel: `From ${edge.source} to ${edge.target}${edge.label ? ` by ${edge.label}` : ""}`,
      };
    });
    this.arms = new Map(made.map((edge) => [edge.id, edge]));
    return made;
  }
}
