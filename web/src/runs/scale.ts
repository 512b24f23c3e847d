/** Time as it is drawn: long spans in which nothing runs are folded. Pure; times in milliseconds. */

import type { Step } from "@/api/queries";
import { piecesOf } from "./history";

type Span = { from: number; to: number };

/** A part of the drawing, from `x0` to `x1` of its width (0 to 1). */
type Segment = Span & { x0: number; x1: number; folded: boolean };

export type Scale = {
  segments: readonly Segment[];
  /** Where a moment is drawn, 0 to 1. */
  at: (time: number) => number;
  /** Which moment is drawn there. */
  timeAt: (x: number) => number;
};

/** When some code ran, one span after the other; those that nearly touch are one. */
export function busySpans(steps: readonly Step[], now: number): Span[] {
  const all: Span[] = [];
  for (const step of steps) {
    for (const piece of piecesOf(step)) {
      if (piece.kind === "work" || piece.kind === "failed") {
        all.push({ from: piece.from, to: Math.max(piece.from, piece.to ?? now) });
      } else {
        // Where a sleep or wait begins and ends something happens, too.
        all.push({ from: piece.from, to: piece.from });
        if (piece.to !== null) all.push({ from: piece.to, to: piece.to });
      }
    }
  }
  all.sort((a, b) => a.from - b.from);
  const merged: Span[] = [];
  for (const span of all) {
    const last = merged.at(-1);
    if (last && span.from - last.to <= TOUCHING) last.to = Math.max(last.to, span.to);
    else merged.push({ ...span });
  }
  return merged;
}

const TOUCHING = 250;
/** Shorter ones are never folded. */
const SHORTEST_FOLD = 1000;
/** Idle time that is left open: three times what was worked, and at least this. */
const OPEN_IDLE = 3000;
const FOLD_WIDTH = 0.12;
const ALL_FOLDS = 0.45;

/** The idle spans to fold: the longest, until what is left does not hide the work. */
export function foldsOf(span: Span, busy: readonly Span[]): Span[] {
  const gaps: Span[] = [];
  let at = span.from;
  let worked = 0;
  for (const one of busy) {
    if (one.from > at) gaps.push({ from: at, to: Math.min(one.from, span.to) });
    worked += one.to - one.from;
    at = Math.max(at, one.to);
  }
  if (span.to > at) gaps.push({ from: at, to: span.to });
  const allowed = Math.max(OPEN_IDLE, 3 * worked);
  let idle = gaps.reduce((sum, gap) => sum + gap.to - gap.from, 0);
  const folds: Span[] = [];
  for (const gap of gaps.sort((a, b) => b.to - b.from - (a.to - a.from))) {
    if (idle <= allowed || gap.to - gap.from < SHORTEST_FOLD) break;
    folds.push(gap);
    idle -= gap.to - gap.from;
  }
  return folds.sort((a, b) => a.from - b.from);
}

/** A scale over `span`. A fold takes the same room, however long it is. */
export function makeScale(span: Span, folds: readonly Span[]): Scale {
  const whole = Math.max(1, span.to - span.from);
  const folded = folds.reduce((sum, fold) => sum + fold.to - fold.from, 0);
  const width = folds.length === 0 ? 0 : Math.min(FOLD_WIDTH, ALL_FOLDS / folds.length);
  const open = Math.max(1, whole - folded);
  const unit = (1 - width * folds.length) / open;
  const segments: Segment[] = [];
  let at = span.from;
  let x = 0;
  const push = (to: number, isFold: boolean) => {
    if (to <= at) return;
    const x1 = x + (isFold ? width : (to - at) * unit);
    segments.push({ from: at, to, x0: x, x1, folded: isFold });
    at = to;
    x = x1;
  };
  for (const fold of folds) {
    push(fold.from, false);
    push(fold.to, true);
  }
  push(span.from + whole, false);
  return {
    segments,
    at: (time) => {
      const found = search(segments, (segment) => segment.to < time);
      if (!found) return time <= span.from ? 0 : 1;
      const part = (time - found.from) / (found.to - found.from);
      return found.x0 + Math.min(1, Math.max(0, part)) * (found.x1 - found.x0);
    },
    timeAt: (position) => {
      const found = search(segments, (segment) => segment.x1 < position);
      if (!found) return position <= 0 ? span.from : span.to;
      const part = (position - found.x0) / (found.x1 - found.x0);
      return found.from + Math.min(1, Math.max(0, part)) * (found.to - found.from);
    },
  };
}

/** The first segment that is not before what is looked for. */
function search(
  segments: readonly Segment[],
  isBefore: (segment: Segment) => boolean,
): Segment | undefined {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(segments[middle] as Segment)) low = middle + 1;
    else high = middle;
  }
  return segments[low];
}

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500].concat(
  [1, 2, 5, 10, 15, 30].map((seconds) => seconds * 1000),
  [1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60_000),
  [1, 2, 3, 6, 12].map((hours) => hours * 3_600_000),
  [1, 2, 7, 14, 30, 90, 365].map((days) => days * 86_400_000),
);

type Tick = { x: number; after: number };

/** Round moments after the start, far enough from each other and from folds. `pixels` is the width. */
export function ticksOf(scale: Scale, start: number, pixels: number, apart = 76): Tick[] {
  const ticks: Tick[] = [];
  for (const segment of scale.segments) {
    const wide = (segment.x1 - segment.x0) * pixels;
    if (segment.folded || wide < apart / 2) continue;
    const perPixel = (segment.to - segment.from) / wide;
    const step = STEPS.find((one) => one >= perPixel * apart) ?? (STEPS.at(-1) as number);
    let after = Math.ceil((segment.from - start) / step) * step;
    for (; after <= segment.to - start; after += step) {
      const x = scale.at(start + after);
      const last = ticks.at(-1);
      const near = (segment.x1 - x) * pixels < apart / 2 && segment.x1 < 0.999;
      if (!near && (!last || (x - last.x) * pixels >= apart * 0.7)) ticks.push({ x, after });
    }
  }
  return ticks;
}
