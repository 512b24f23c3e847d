/** elkjs computes for long: it has a thread of its own. */

import ELK from "elkjs/lib/elk.bundled.js";
import type { ElkNode } from "elkjs/lib/elk-api";

const elk = new ELK();

self.onmessage = async ({ data }: MessageEvent<{ id: number; graph: ElkNode }>) => {
  try {
    self.postMessage({ id: data.id, laid: await elk.layout(data.graph) });
  } catch (error) {
    self.postMessage({ id: data.id, error: String(error) });
  }
};
