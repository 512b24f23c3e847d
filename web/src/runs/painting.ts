/** What a run did, as it is painted on the drawing of its version. Pure. */

import type { Run, Step } from "@/api/queries";
import type { Painted } from "@/canvas/node";
import type { StateName } from "@/design/state";
import { type Graph, isContainer, scopesOf, waysOf } from "@/graph/model";
import { endOf, piecesOf, triesOf } from "./history";
import { foremost } from "./rows";

/** Nodes with their state. Those that a run did not reach are left out. */
export function paintedOf(
  graph: Graph,
  steps: readonly Step[],
  run: Pick<Run, "status">,
): Map<string, Painted> {
  const painted = stepsByNode(steps);
  const inside = new Map<string, string[]>();
  for (const { container, nodes } of scopesOf(graph)) {
    inside.set(container, [...(inside.get(container) ?? []), ...nodes]);
  }
  const passed = passedNodes(graph, painted, run.status === "complete");
  for (const node of graph.nodes) {
    if (painted.has(node.id) || !passed.has(node.id)) continue;
    const states = new Set<StateName>();
    if (isContainer(node.type) && node.type !== "branch") {
      for (const id of inside.get(node.id) ?? []) {
        const state = painted.get(id)?.state;
        if (state) states.add(state);
      }
    }
    painted.set(node.id, { state: foremost(states), attempts: 1, ms: null, times: 1 });
  }
  return painted;
}

function stepsByNode(steps: readonly Step[]): Map<string, Painted> {
  const byNode = new Map<string, Step[]>();
  for (const step of steps) {
    if (step.nodeId === null) continue;
    const list = byNode.get(step.nodeId);
    if (list) list.push(step);
    else byNode.set(step.nodeId, [step]);
  }
  const painted = new Map<string, Painted>();
  for (const [node, all] of byNode) {
    let ms: number | null = 0;
    let attempts = 1;
    for (const step of all) {
      const ended = endOf(step);
      attempts = Math.max(attempts, triesOf(step));
      if (ended === null) ms = null;
      else if (ms !== null) ms += Math.max(0, ended - (piecesOf(step)[0]?.from ?? ended));
    }
    painted.set(node, {
      state: foremost(new Set(all.map((step) => step.status))),
      attempts,
      ms,
      times: all.length,
    });
  }
  return painted;
}

/**
 * Nodes without steps of their own that the run went through: there is a way to them, and from them
 * to a step. Which arm a branch took is not recorded: an arm without steps whose end others reach,
 * too, is left out.
 */
function passedNodes(
  graph: Graph,
  painted: ReadonlyMap<string, Painted>,
  complete: boolean,
): Set<string> {
  const { out, into } = waysOf(graph);
  const types = new Map(graph.nodes.map((node) => [node.id, node.type]));
  const from = (id: string) => (into.get(id) ?? []).map((edge) => edge.source);
  const to = (id: string) => (out.get(id) ?? []).map((edge) => edge.target);
  const certain = (id: string, reached: ReadonlySet<string>) =>
    from(id).some((source) => types.get(source) !== "branch") ||
    from(id).length === 0 ||
    to(id).some((target) => reached.has(target) && from(target).length === 1);

  const ahead = spread([graph.entryNodeId, ...painted.keys()], (id) =>
    to(id).filter((target) => !painted.has(target)),
  );
  const ends = complete
    ? graph.nodes.filter(
        ({ id, type }) =>
          to(id).length === 0 &&
          !isContainer(type) &&
          from(id).every((source) => ahead.has(source) && !isContainer(types.get(source) ?? "")),
      )
    : [];
  const behind = spread([...painted.keys(), ...ends.map((node) => node.id)], (id) =>
    from(id).filter((source) => !painted.has(source)),
  );
  return new Set(
    [...ahead].filter((id) => !painted.has(id) && behind.has(id) && certain(id, behind)),
  );
}

/** All that can be reached from some ids, those included. */
function spread(ids: readonly string[], next: (id: string) => string[]): Set<string> {
  const found = new Set(ids);
  const left = [...found];
  for (let id = left.pop(); id !== undefined; id = left.pop()) {
    for (const one of next(id)) {
      if (!found.has(one)) {
        found.add(one);
        left.push(one);
      }
    }
  }
  return found;
}
