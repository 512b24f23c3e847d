import { useEffect } from "react";
import type { FullWorkflow, Version } from "@/api/queries";
import { Dialog } from "@/design/dialog";
import { forget, useDeploying } from "./deploying";
import { Review } from "./review";
import { Working } from "./working";

type DeployDialogProps = {
  workflow: FullWorkflow;
  onClose: () => void;
  /** Offered once it is live. */
  onTrigger: () => void;
  /** What is deployed; without it what the editor shows. */
  version?: Version;
};

/** What will change, where, and how far it is. Closing it stops nothing. */
export function DeployDialog({ workflow, onClose, onTrigger, version }: DeployDialogProps) {
  const deploying = useDeploying((state) => state.of[workflow.id]);
  useEffect(() => {
    useDeploying.setState({ shown: workflow.id });
    return () => {
      useDeploying.setState({ shown: null });
      forget(workflow.id);
    };
  }, [workflow.id]);
  return (
    <Dialog
      open
      onClose={onClose}
      width={680}
      title={`Deploy ${workflow.name}`}
      description={
        deploying
          ? `Version ${deploying.target.number}`
          : "Runs that have started stay on the version they started with."
      }
    >
      {deploying ? (
        <Working
          workflow={workflow}
          deploying={deploying}
          onClose={onClose}
          onTrigger={onTrigger}
          onBack={() => forget(workflow.id)}
        />
      ) : (
        <Review workflow={workflow} version={version} onClose={onClose} />
      )}
    </Dialog>
  );
}
