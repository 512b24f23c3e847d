import { describe, expect, test } from "vitest";
import { bytes, duration, plural, relative, shorten } from "./format";

describe("durations read as people say them", () => {
  test.each([
    [0, "0 ms"],
    [840, "840 ms"],
    [1200, "1.2 s"],
    [59_999, "59 s"],
    [184_000, "3 m 04 s"],
    [7_500_000, "2 h 05 m"],
    [356_400_000, "4 d 03 h"],
    [-5, "0 ms"],
  ])("%d ms is %s", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});

test("moments are told from now", () => {
  const now = new Date("2026-11-27T12:00:00Z");
  expect(relative(new Date("2026-11-27T11:59:59.5Z"), now)).toBe("now");
  expect(relative(new Date("2026-11-27T11:59:30Z"), now)).toBe("30 s ago");
  expect(relative(new Date("2026-11-27T14:15:00Z"), now)).toBe("in 2 h");
  expect(relative(new Date("2026-11-29T11:59:00Z"), now)).toBe("in 2 d");
  expect(relative(new Date("2026-11-25T12:01:00Z"), now)).toBe("1 d ago");
  expect(relative(new Date("2025-11-27T12:00:00Z"), now)).toBe("27 Nov 2025");
});

test("ids lose their middle, short ones stay", () => {
  expect(shorten("019a3c5e-7d1b-7c40-9a57-0f6d2b8e4c11")).toBe("019a3c…8e4c11");
  expect(shorten("order-1")).toBe("order-1");
});

test("counts and sizes", () => {
  expect(plural(1, "run")).toBe("1 run");
  expect(plural(1200, "run")).toBe("1,200 runs");
  expect(bytes(4200)).toBe("4.2 kB");
});
