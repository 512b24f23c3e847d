import { expect, it } from "vitest";
import { matches } from "./search";

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
