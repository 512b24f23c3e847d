/** Whether a node looks as it did: what does is not drawn anew. */

import type { Node } from "@xyflow/react";
import type { GraphNode } from "@/graph/model";
import type { Painted, StepData } from "./node";

export function samePlace(before: Node, node: GraphNode): boolean {
  return before.position.x === node.position.x && before.position.y === node.position.y;
}

export function sameData(a: StepData, b: StepData): boolean {
  return (
    a.node === b.node &&
    a.type === b.type &&
    a.entry === b.entry &&
    a.errors === b.errors &&
    a.warnings === b.warnings &&
    a.begun === b.begun &&
    a.readOnly === b.readOnly &&
    a.onArm === b.onArm &&
    samePaint(a.run, b.run) &&
    a.open.length === b.open.length &&
    a.open.every((label, index) => label === b.open[index])
  );
}

function samePaint(a: Painted | undefined, b: Painted | undefined): boolean {
  return (
    a === b ||
    (a !== undefined &&
      b !== undefined &&
      a.state === b.state &&
      a.attempts === b.attempts &&
      a.ms === b.ms &&
      a.times === b.times)
  );
}
