import type { FullWorkflow } from "@/api/queries";
import { Dialog } from "@/design/dialog";

export type TriggerDialogProps = { workflow: FullWorkflow; onClose: () => void };

/** Starts a run, with a payload or without one. */
export function TriggerDialog({ workflow, onClose }: TriggerDialogProps) {
  return (
    <Dialog open onClose={onClose} title={`Trigger ${workflow.name}`}>
      {null}
    </Dialog>
  );
}
