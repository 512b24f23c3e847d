import { useQueryClient } from "@tanstack/react-query";
import { api, must } from "@/api/client";
import type { FullWorkflow } from "@/api/queries";
import { useConfirm } from "@/design/dialog";
import { failed } from "@/design/toast";

/** Goes back to the newest version, once the person has said so. */
export function useDiscard(workflow: FullWorkflow): () => Promise<void> {
  const cache = useQueryClient();
  const confirm = useConfirm();
  return async () => {
    const sure = await confirm({
      title: "Discard the draft?",
      text: `What was drawn since version ${workflow.version?.version} is lost.`,
      action: "Discard",
    });
    if (!sure) return;
    try {
      await must(
        api.DELETE("/api/workflows/{id}/draft", { params: { path: { id: workflow.id } } }),
      );
      await cache.invalidateQueries({ queryKey: ["editing", workflow.id] });
      await cache.invalidateQueries({ queryKey: ["workflows", workflow.id] });
    } catch (error) {
      failed(error);
    }
  };
}
