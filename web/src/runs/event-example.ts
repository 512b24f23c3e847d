/** A payload to begin with, for the event that a run waits for. Pure. */

import type { Step, Template } from "@/api/queries";

/** What a template's own run is sent, where the step that waits came out of that template. */
export function eventExample(
  templates: readonly Template[],
  steps: readonly Step[],
  type: string,
): unknown {
  const waiting = new Set(
    steps.flatMap((step) => (step.eventType === type && step.nodeId ? step.nodeId : [])),
  );
  const from = templates.find(({ event, ir }) => {
    const nodes = Array.isArray(ir.nodes) ? (ir.nodes as { id?: unknown; type?: unknown }[]) : [];
    return (
      event?.type === type &&
      nodes.some((node) => node.type === "wait_for_event" && waiting.has(String(node.id)))
    );
  });
  return from?.event?.payload;
}
