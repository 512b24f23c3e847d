import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Copy, Download, Ellipsis, Settings, Trash2 } from "lucide-react";
import { ApiError, api, must } from "@/api/client";
import type { Workflow } from "@/api/queries";
import { liveRuns } from "@/deployments/take-down";
import { IconButton } from "@/design/button";
import { useConfirm } from "@/design/dialog";
import { Menu } from "@/design/menu";
import { failed, told } from "@/design/toast";
import { duplicate, exportWorkflow } from "./files";

/** Asks first and says what goes with it; answers whether it was deleted. */
export function useDelete(): (workflow: Pick<Workflow, "id" | "name">) => Promise<boolean> {
  const cache = useQueryClient();
  const confirm = useConfirm();
  return async (workflow) => {
    let live = await liveRuns(workflow.id);
    for (;;) {
      const sure = await confirm({
        title: `Delete ${workflow.name}?`,
        text: live
          ? `${live} ${live.startsWith("1 ") ? "is" : "are"} under way and will be terminated. Its versions, its runs with all their steps, and its Worker URL are lost for good.`
          : "Its versions, its runs with all their steps, and its Worker URL are lost for good.",
        action: live ? "Terminate and delete" : "Delete",
      });
      if (!sure) return false;
      try {
        await must(
          api.DELETE("/api/workflows/{id}", {
            params: { path: { id: workflow.id }, query: { force: live !== "" } },
          }),
        );
        break;
      } catch (error) {
        // Runs began since they were counted: what is lost is more than was said.
        if (!(error instanceof ApiError && error.code === "workflow.live_runs")) throw error;
        live = (await liveRuns(workflow.id)) || "Runs";
      }
    }
    told(`${workflow.name} is deleted.`);
    await Promise.all(
      [["workflows"], ["deployments"], ["runs"]].map((queryKey) =>
        cache.invalidateQueries({ queryKey }),
      ),
    );
    return true;
  };
}

export function WorkflowActs({ workflow }: { workflow: Workflow }) {
  const navigate = useNavigate();
  const cache = useQueryClient();
  const remove = useDelete();
  const copy = async () => {
    const made = await duplicate(workflow.id);
    await cache.invalidateQueries({ queryKey: ["workflows"] });
    told(
      made.missing.length > 0
        ? `${made.name} is there. Set its secrets anew: ${made.missing.join(", ")}.`
        : `${made.name} is there.`,
    );
  };
  return (
    <Menu
      trigger={
        <IconButton icon={Ellipsis} label={`What can be done with ${workflow.name}`} size="small" />
      }
      items={[
        {
          label: "Settings",
          icon: Settings,
          onSelect: () =>
            void navigate({ to: "/workflows/$id/settings", params: { id: workflow.id } }),
        },
        { label: "Duplicate", icon: Copy, onSelect: () => void copy().catch(failed) },
        {
          label: "Export",
          icon: Download,
          onSelect: () => void exportWorkflow(workflow.id, workflow.name).catch(failed),
        },
        "separator",
        {
          label: "Delete",
          icon: Trash2,
          danger: true,
          onSelect: () => void remove(workflow).catch(failed),
        },
      ]}
    />
  );
}
