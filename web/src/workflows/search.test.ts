import { expect, it } from "vitest";
import { foundIn, matches } from "./search";

const workflow = { id: "wf_1", name: "Refund desk", description: "Pays back", workerName: null };

it.each([
  ["", true],
  ["refund", true],
  ["DESK refund", true],
  ["pays", true],
  ["wf_1", true],
  ["refund invoice", false],
])("a workflow is found by words of its name and description: %j", (query, found) =>
  expect(matches(workflow, query)).toBe(found),
);

it("names the workflows that a text finds, those that begin with it first", () => {
  const all = ["My refunds", "Orders", "Refund desk"].map((name) => ({ ...workflow, name }));
  const named = (text: string) => foundIn(all, text).map(({ name }) => name);
  expect(named(" Refund")).toEqual(["Refund desk", "My refunds"]);
  expect(named("desk")).toEqual(["Refund desk"]);
  expect(named("")).toEqual([]);
});
