/** What is drawn becomes a version. The draft on the server goes with it. */

import { api, must, type Schemas } from "@/api/client";
import { pause } from "@/api/presence";
import { saveDraft } from "@/editor/keeping";
import type { EditorStore } from "@/editor/store";
import { asJson } from "@/graph/model";

const LOOK_AGAIN_AFTER = 50;

/** Throws ApiError, and Error when somebody else changed the draft. */
export async function saveVersion(
  store: EditorStore,
  note: string | null,
): Promise<Schemas["SavedShape"]> {
  await kept(store);
  const { workflow, graph, set } = store.getState();
  const made = await must(
    api.POST("/api/workflows/{id}/versions", {
      params: { path: { id: workflow } },
      body: { ir: asJson(graph), note },
    }),
  );
  const still = store.getState().graph === graph;
  set({
    baseVersion: made.id,
    revision: 0,
    ...(still ? { changed: false, saving: "saved" as const } : {}),
  });
  return made;
}

/**
 * The draft is kept first: saving a version deletes the draft of the same graph, and an older one
 * that stayed would hide the version.
 */
async function kept(store: EditorStore): Promise<void> {
  for (;;) {
    const { saving } = store.getState();
    if (saving === "saved") return;
    if (saving === "conflict") {
      throw new Error("Somebody else changed it meanwhile. Load the page again to see what it is.");
    }
    if (saving === "saving") await pause(LOOK_AGAIN_AFTER);
    else {
      await saveDraft(store);
      if (store.getState().saving === "away") throw new Error("The server can’t be reached.");
    }
  }
}
