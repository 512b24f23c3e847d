import type { FullWorkflow } from "@/api/queries";
import { Dialog } from "@/design/dialog";

export type DeployDialogProps = {
  workflow: FullWorkflow;
  onClose: () => void;
  /** Offered once it is live. */
  onTrigger: () => void;
};

/** What will change, where, and how far it is. */
export function DeployDialog({ workflow, onClose }: DeployDialogProps) {
  return (
    <Dialog open onClose={onClose} title={`Deploy ${workflow.name}`}>
      {null}
    </Dialog>
  );
}
