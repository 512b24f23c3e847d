import { expect, it } from "vitest";
import type { Template } from "@/api/queries";
import { eventExample } from "./event-example";
import { step } from "./testing";

const template = {
  id: "approval",
  event: { type: "decision", payload: { approved: true } },
  ir: { nodes: [{ id: "decide", type: "wait_for_event" }] },
} as unknown as Template;
const waits = (nodeId: string | null, eventType: string) =>
  step("Decide", { type: "wait", status: "waiting", nodeId, eventType });

it("is the template's, where its own step waits", () => {
  const payload = eventExample([template], [waits("decide", "decision")], "decision");
  expect(payload).toEqual({ approved: true });
});

it("is none where another step waits, or for something else", () => {
  expect(eventExample([template], [waits("other", "decision")], "decision")).toBeUndefined();
  expect(eventExample([template], [waits(null, "decision")], "decision")).toBeUndefined();
  expect(eventExample([template], [waits("decide", "paid")], "paid")).toBeUndefined();
  expect(eventExample([template], [], "decision")).toBeUndefined();
  expect(eventExample([], [waits("decide", "decision")], "decision")).toBeUndefined();
});
