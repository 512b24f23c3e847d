import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { busySpans, foldsOf, makeScale, ticksOf } from "./scale";
import { step } from "./testing";

const DAY = 86_400_000;

describe("folding of idle time", () => {
  const steps = [
    step("a", { from: 0, to: 400 }),
    step("nap", { type: "sleep", from: 400, to: 14 * DAY }),
    step("b", { from: 14 * DAY, to: 14 * DAY + 600 }),
  ];
  const span = { from: 0, to: 14 * DAY + 600 };
  const busy = busySpans(steps, span.to);

  it("folds two weeks of sleep, and leaves half a second of work in sight", () => {
    const folds = foldsOf(span, busy);
    expect(folds).toEqual([{ from: 400, to: 14 * DAY }]);
    const { at } = makeScale(span, folds);
    expect(at(400) - at(0)).toBeGreaterThan(0.3);
    expect(at(14 * DAY) - at(400)).toBeCloseTo(0.12);
    expect(at(span.to)).toBe(1);
  });

  it("shows real time when it is unfolded", () => {
    const { at } = makeScale(span, []);
    expect(at(7 * DAY)).toBeCloseTo(0.5, 3);
  });

  it("leaves a short sleep as it is", () => {
    const short = [
      step("a", { from: 0, to: 700 }),
      step("nap", { type: "sleep", from: 700, to: 2700 }),
      step("b", { from: 2700, to: 2800 }),
    ];
    expect(foldsOf({ from: 0, to: 2800 }, busySpans(short, 2800))).toEqual([]);
  });

  it("folds the wait that still lasts", () => {
    const waiting = [step("a", { to: 100 }), step("w", { type: "wait", from: 100, to: null })];
    const now = 60_000;
    expect(foldsOf({ from: 0, to: now }, busySpans(waiting, now))).toEqual([
      { from: 100, to: now },
    ]);
  });

  it("keeps many long delays, and yet all attempts, on one line", () => {
    const many = Array.from({ length: 100 }, (_, index) =>
      step(`s${index}`, { from: index * 60_000, to: index * 60_000 + 100 }),
    );
    const whole = { from: 0, to: 99 * 60_000 + 100 };
    const { segments } = makeScale(whole, foldsOf(whole, busySpans(many, whole.to)));
    const folded = segments.filter((one) => one.folded);
    expect(folded.length).toBeGreaterThan(90);
    expect(folded.reduce((sum, one) => sum + one.x1 - one.x0, 0)).toBeLessThanOrEqual(0.4501);
  });

  it("never draws later what was earlier, whatever the folds", () => {
    const spans = fc.array(fc.tuple(fc.nat(1e9), fc.nat(1e5)), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(spans, fc.array(fc.nat(1e9), { minLength: 2 }), (worked, times) => {
        const all = worked.map(([from, length], index) =>
          step(`s${index}`, { from, to: from + length }),
        );
        const to = Math.max(...worked.map(([from, length]) => from + length)) + 1;
        const { at, timeAt } = makeScale(
          { from: 0, to },
          foldsOf({ from: 0, to }, busySpans(all, to)),
        );
        const sorted = times.filter((time) => time <= to).sort((a, b) => a - b);
        const drawn = sorted.map(at);
        for (const [index, x] of drawn.entries()) {
          expect(x).toBeGreaterThanOrEqual(drawn[index - 1] ?? 0);
          expect(x).toBeLessThanOrEqual(1);
          expect(Math.abs(at(timeAt(x)) - x)).toBeLessThan(1e-6);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe("ticks", () => {
  it("stand at round moments, apart from each other and not in folds", () => {
    const scale = makeScale({ from: 1000, to: 21_000 }, [{ from: 5000, to: 20_000 }]);
    const ticks = ticksOf(scale, 1000, 800);
    expect(ticks[0]?.after).toBe(0);
    for (const [index, tick] of ticks.entries()) {
      expect(tick.after % 500).toBe(0);
      const before = ticks[index - 1];
      if (before) expect((tick.x - before.x) * 800).toBeGreaterThan(50);
      expect(tick.after > 4000 && tick.after < 19_000).toBe(false);
    }
  });
});
