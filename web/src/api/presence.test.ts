import { expect, it } from "vitest";
import { doubting } from "./presence";

/** A server that answers as told, one after the other, and what was shown and waited for. */
function asked(...answers: boolean[]) {
  const shown: boolean[] = [];
  const waited: number[] = [];
  let questions = 0;
  const doubt = doubting(
    async () => answers[questions++] ?? true,
    async (delay) => waited.push(delay),
    ({ away }) => shown.push(away),
  );
  return { doubt, shown, waited, questions: () => questions };
}

it("says nothing of a failure that the server answers for", async () => {
  const { doubt, shown } = asked(true);
  await doubt();
  expect(shown).toEqual([false]);
});

it("says that the server is away until it answers, and asks ever more slowly", async () => {
  const { doubt, shown, waited } = asked(false, false, false, false, false, true);
  await doubt();
  expect(shown).toEqual([true, true, true, true, true, false]);
  expect(waited).toEqual([250, 500, 1000, 2000, 2000]);
});

it("asks once, however many doubt, and again after that", async () => {
  const { doubt, questions } = asked(false, true, true);
  await Promise.all([doubt(), doubt(), doubt()]);
  expect(questions()).toBe(2);
  await doubt();
  expect(questions()).toBe(3);
});
