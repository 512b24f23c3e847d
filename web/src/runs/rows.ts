/** The lines of a run's timeline: its steps, with the iterations of loops put together. Pure. */

import type { Step } from "@/api/queries";
import type { StateName } from "@/design/state";
import { type Graph, nodeOf, scopesOf } from "@/graph/model";
import { endOf, parseName, startOf, stepKey } from "./history";

export type StepLine = {
  kind: "step";
  key: string;
  depth: number;
  step: Step;
  base: string;
  /** `[3]`, `[3.0]`, and which part of its node it is. */
  more: string;
};

export type GroupLine = {
  kind: "group";
  key: string;
  depth: number;
  title: string;
  /** Iterations in a loop; steps in an iteration. */
  count: number;
  of: "iteration" | "step";
  failed: number;
  state: StateName;
  from: number;
  /** Null while something in it goes on. */
  to: number | null;
  open: boolean;
};

export type Line = StepLine | GroupLine;

/** Loops with more steps than this are folded, those with more iterations fold these, too. */
const FEW_STEPS = 24;
const FEW_ITERATIONS = 12;

/** The loops around each node, the outermost first. */
function loopsOf(graph: Graph | undefined): Map<string, string[]> {
  const found = new Map<string, string[]>();
  if (!graph) return found;
  const loops = scopesOf(graph).filter(
    (scope) => nodeOf(graph, scope.container)?.type === "loop" && scope.label === "body",
  );
  loops.sort((a, b) => b.nodes.length - a.nodes.length);
  for (const { container, nodes } of loops) {
    for (const node of nodes) {
      const around = found.get(node);
      if (around) around.push(container);
      else found.set(node, [container]);
    }
  }
  return found;
}

type Leaf = { step: Step; base: string; more: string };
type Child = Leaf | Loop;
type Loop = { key: string; title: string; iterations: Map<number, Child[]>; about: About };
type About = { steps: number; failed: number; states: Set<StateName>; from: number; to: number };

const isLoop = (child: Child): child is Loop => "iterations" in child;

function newAbout(): About {
  return {
    steps: 0,
    failed: 0,
    states: new Set(),
    from: Number.POSITIVE_INFINITY,
    to: Number.NEGATIVE_INFINITY,
  };
}

function add(about: About, step: Step): void {
  about.steps++;
  if (step.status === "errored") about.failed++;
  about.states.add(step.status);
  about.from = Math.min(about.from, startOf(step));
  about.to = Math.max(about.to, endOf(step) ?? Number.POSITIVE_INFINITY);
}

/** What a reader looks for first, of several states. */
export function foremost(states: ReadonlySet<StateName>): StateName {
  const order: StateName[] = ["running", "waiting", "errored", "complete", "cancelled"];
  return order.find((state) => states.has(state)) ?? "complete";
}

function tree(steps: readonly Step[], graph: Graph | undefined): Child[] {
  const around = loopsOf(graph);
  const loops = new Map<string, Loop>();
  const root: Child[] = [];
  for (const step of steps) {
    const { base, part, indices } = parseName(step.name);
    const more = [part ?? "", indices.length > 0 ? `[${indices.join(".")}]` : ""]
      .concat(step.count > 1 ? `#${step.count}` : [])
      .filter(Boolean)
      .join(" ");
    const containers = around.get(step.nodeId ?? "") ?? [];
    let place = root;
    let path = "";
    for (const [depth, index] of indices.entries()) {
      const container = containers[depth];
      path += `/${container ?? base}`;
      let loop = loops.get(path);
      if (!loop) {
        const title = (container && graph && nodeOf(graph, container)?.name) || base;
        loop = { key: path, title, iterations: new Map(), about: newAbout() };
        loops.set(path, loop);
        place.push(loop);
      }
      add(loop.about, step);
      let inside = loop.iterations.get(index);
      if (!inside) {
        inside = [];
        loop.iterations.set(index, inside);
      }
      place = inside;
      path += `[${index}]`;
    }
    place.push({ step, base, more });
  }
  return root;
}

/** What somebody folded or unfolded, by its key. */
type Opened = Pick<ReadonlyMap<string, boolean>, "get">;

const ALL_OPEN: Opened = { get: () => true };

/** The keys of all steps, as they are drawn once every group is open. */
export function keysOf(steps: readonly Step[], graph: Graph | undefined): string[] {
  return linesOf(steps, graph, ALL_OPEN).flatMap((line) => (line.kind === "step" ? line.key : []));
}

/** The lines to draw. */
export function linesOf(steps: readonly Step[], graph: Graph | undefined, opened: Opened): Line[] {
  const lines: Line[] = [];
  const draw = (children: readonly Child[], depth: number) => {
    for (const child of children) {
      if (isLoop(child)) drawLoop(child, depth);
      else lines.push({ kind: "step", key: stepKey(child.step), depth, ...child });
    }
  };
  const drawLoop = (loop: Loop, depth: number) => {
    const many = loop.iterations.size > FEW_ITERATIONS;
    const open = opened.get(loop.key) ?? loop.about.steps <= FEW_STEPS;
    lines.push(group(loop.key, depth, loop.title, loop.iterations.size, "iteration", loop, open));
    if (!open) return;
    for (const [index, children] of loop.iterations) {
      if (!many || children.length === 1) {
        draw(children, depth + 1);
        continue;
      }
      const key = `${loop.key}[${index}]`;
      const inside = opened.get(key) ?? false;
      const about = aboutOf(children);
      lines.push(group(key, depth + 1, `[${index}]`, about.steps, "step", { about }, inside));
      if (inside) draw(children, depth + 2);
    }
  };
  draw(tree(steps, graph), 0);
  return lines;
}

function aboutOf(children: readonly Child[]): About {
  const about = newAbout();
  for (const child of children) {
    if (!isLoop(child)) add(about, child.step);
    else {
      about.steps += child.about.steps;
      about.failed += child.about.failed;
      for (const state of child.about.states) about.states.add(state);
      about.from = Math.min(about.from, child.about.from);
      about.to = Math.max(about.to, child.about.to);
    }
  }
  return about;
}

function group(
  key: string,
  depth: number,
  title: string,
  count: number,
  of: GroupLine["of"],
  { about }: { about: About },
  open: boolean,
): GroupLine {
  return {
    kind: "group",
    key,
    depth,
    title,
    count,
    of,
    failed: about.failed,
    state: foremost(about.states),
    from: about.from,
    to: Number.isFinite(about.to) ? about.to : null,
    open,
  };
}

/** The keys of the groups that a step stands in, to be opened so that it is seen. */
export function groupsAround(step: Step, graph: Graph | undefined): string[] {
  const { base, indices } = parseName(step.name);
  const containers = loopsOf(graph).get(step.nodeId ?? "") ?? [];
  const keys: string[] = [];
  let path = "";
  for (const [depth, index] of indices.entries()) {
    path += `/${containers[depth] ?? base}`;
    keys.push(path);
    path += `[${index}]`;
    keys.push(path);
  }
  return keys;
}
