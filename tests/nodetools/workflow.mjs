// A workflow in Miniflare, Cloudflare's own simulator, and its v4-like API: `workflow.mjs FOLDER`.
// Prints {"url"} and ends when its input does. In JavaScript, as workerd fetches its Python.
import { Miniflare } from "miniflare";

const miniflare = new Miniflare({
  host: "127.0.0.1",
  port: 0,
  unsafeLocalExplorer: true,
  modules: true,
  compatibilityDate: "2026-06-01",
  script: `
import { WorkflowEntrypoint } from "cloudflare:workers";

export class Orders extends WorkflowEntrypoint {
  async run(event, step) {
    const { n, fail, wait, nap } = event.payload;
    const doubled = await step.do("double", async () => n * 2);
    if (fail) {
      await step.do("fail", { retries: { limit: 1, delay: 1 } }, async () => {
        throw new RangeError("no such order");
      });
    }
    if (nap) await step.sleep("nap", "1 hour");
    if (wait) {
      const approved = await step.waitForEvent("approval", { type: "approve", timeout: "1 hour" });
      return [doubled, approved.payload];
    }
    return doubled;
  }
}

export default { fetch: () => new Response("no more than workflows here") };
`,
  workflows: { ORDERS: { name: "orders-abc123", className: "Orders" } },
  workflowsPersist: process.argv[2],
});
console.log(JSON.stringify({ url: String(await miniflare.ready) }));
process.stdin.resume().on("end", async () => {
  await miniflare.dispose();
  process.exit(0);
});
