import { expect, it } from "vitest";
import { type Acting, oneAtATime } from "./act";

function watched(onError?: (error: unknown) => void) {
  const shown: Acting[] = [];
  return { shown, act: oneAtATime((now) => shown.push(now), onError) };
}

it("does nothing more while an act goes on, and the next after it", async () => {
  const { shown, act } = watched();
  const done: string[] = [];
  let finish = () => {};
  const first = act(() => new Promise<void>((resolve) => (finish = resolve)));
  await act(async () => done.push("meanwhile"));
  expect(done).toEqual([]);
  finish();
  await first;
  await act(async () => done.push("after"));
  expect(done).toEqual(["after"]);
  expect(shown.map((now) => now.busy)).toEqual([true, false, true, false]);
});

it("keeps what was thrown until the next try", async () => {
  const { shown, act } = watched();
  const error = new Error("taken");
  await act(() => Promise.reject(error));
  await act(async () => {});
  expect(shown).toEqual([
    { busy: true, error: null },
    { busy: false, error },
    { busy: true, error: null },
    { busy: false, error: null },
  ]);
});

it("hands what was thrown to who asked for it, and keeps nothing", async () => {
  const told: unknown[] = [];
  const { shown, act } = watched((error) => told.push(error));
  await act(() => Promise.reject("no"));
  expect(told).toEqual(["no"]);
  expect(shown.at(-1)).toEqual({ busy: false, error: null });
});
