/** The steps of a run: how they are told apart, named and put together. Pure. */

import type { Step } from "@/api/queries";

/** A step's name in an address; `do` is what most of them are. */
export function stepKey(step: Pick<Step, "name" | "count" | "type">): string {
  const key = `${step.name}~${step.count}`;
  return step.type === "do" ? key : `${key}~${step.type}`;
}

/** What was known, with what was told since, in the order in which the run asked for the steps. */
export function mergeSteps(before: readonly Step[], heard: readonly Step[]): readonly Step[] {
  if (heard.length === 0) return before;
  const at = new Map(before.map((step, index) => [stepKey(step), index]));
  const steps = [...before];
  for (const step of heard) {
    const key = stepKey(step);
    const index = at.get(key);
    if (index === undefined) {
      at.set(key, steps.length);
      steps.push(step);
    } else {
      steps[index] = step;
    }
  }
  return steps;
}

type StepName = {
  /** The node's name. */
  base: string;
  /** Which further step of the node it is. */
  part: "winner" | "result" | "rollback" | null;
  /** Iterations of the loops around it, the outermost first. */
  indices: readonly number[];
};

const NAME = /^(.*?)(?: · (winner|result))?(?: \[(\d+(?:\.\d+)*)\])?(?: · (rollback))?$/s;

/** `Book line [3.0]` is iteration 0 of an inner loop, in iteration 3 of an outer one. */
export function parseName(name: string): StepName {
  const [, base = name, part, indices, rollback] = NAME.exec(name) ?? [];
  return {
    base,
    part: (rollback ?? part ?? null) as StepName["part"],
    indices: indices ? indices.split(".").map(Number) : [],
  };
}

/** How many attempts a step has had; the server keeps the first and the last ones. */
export function triesOf(step: Step): number {
  return step.attempts.length + step.attemptsLeftOut;
}

type PieceKind = "work" | "failed" | "delay" | "sleep" | "wait";

/** A part of a step's time, in milliseconds since 1970; `to` is null while it lasts. */
export type Piece = { kind: PieceKind; from: number; to: number | null };

const time = (iso: string) => Date.parse(iso);
const maybe = (iso: string | null) => (iso === null ? null : Date.parse(iso));

const pieces = new WeakMap<Step, readonly Piece[]>();

/** Attempts and the delays between them, or the time of a sleep or wait. */
export function piecesOf(step: Step): readonly Piece[] {
  const known = pieces.get(step);
  if (known) return known;
  const made = makePieces(step);
  pieces.set(step, made);
  return made;
}

function makePieces(step: Step): Piece[] {
  const ended = maybe(step.endedAt);
  if (step.type !== "do") {
    return [{ kind: step.type, from: time(step.startedAt), to: ended }];
  }
  if (step.attempts.length === 0) {
    return [{ kind: "work", from: time(step.startedAt), to: ended }];
  }
  const found: Piece[] = [];
  step.attempts.forEach((attempt, index) => {
    const from = time(attempt.startedAt);
    const to = maybe(attempt.endedAt) ?? ended;
    found.push({ kind: attempt.error ? "failed" : "work", from, to });
    const next = step.attempts[index + 1];
    if (to !== null && attempt.delay !== null && (next || ended === null)) {
      found.push({ kind: "delay", from: to, to: next ? time(next.startedAt) : null });
    }
  });
  return found;
}

export function startOf(step: Step): number {
  return piecesOf(step)[0]?.from ?? time(step.startedAt);
}

export function endOf(step: Step): number | null {
  return maybe(step.endedAt);
}
