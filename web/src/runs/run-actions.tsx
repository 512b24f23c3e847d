import { useNavigate } from "@tanstack/react-router";
import { BellRing, Copy } from "lucide-react";
import { useState } from "react";
import { api, must } from "@/api/client";
import type { FullWorkflow, Run, Step } from "@/api/queries";
import { useAct } from "@/design/act";
import { Button } from "@/design/button";
import { type Command, useCommands } from "@/design/commands";
import { Dialog, useConfirm } from "@/design/dialog";
import { Checkbox } from "@/design/field";
import { failed, told } from "@/design/toast";
import { change } from "./bulk";
import { curl, runAddress } from "./curl";
import { SendEventDialog } from "./send-event-dialog";
import { allows, isLive, lossOf, VERBS, type Verb } from "./verbs";

type RunActions = {
  /** What can be done with the run as it is now, the most likely first. */
  commands: Command[];
  /** Asks where to restart; from a step on, when one is given. */
  restart: (step?: Step) => void;
  sendEvent: (type?: string) => void;
  /** Dialogs that are open. */
  dialogs: React.ReactNode;
};

type Options = {
  run: Run;
  steps: readonly Step[];
  workflow: FullWorkflow | undefined;
  /** Whether the version has code that undoes steps. */
  undoes: boolean;
  onChanged: (run: Run) => void;
};

type Asking =
  | { what: "terminate" }
  | { what: "restart"; step?: Step }
  | { what: "event"; type?: string };

/** What can be done with a run: in its header, by keys and in the palette. */
export function useRunActions(options: Options): RunActions {
  const { run, steps, workflow, undoes, onChanged } = options;
  const [asking, setAsking] = useState<Asking | null>(null);
  const confirm = useConfirm();
  const navigate = useNavigate();
  const close = () => setAsking(null);

  const act = async (verb: Verb) => {
    if (verb === "terminate" || verb === "restart") return setAsking({ what: verb });
    const { title, done } = VERBS[verb];
    const loss = lossOf(verb, 1);
    if (loss && !(await confirm({ title: `${title} the run?`, text: loss, action: title }))) return;
    try {
      const next = await change(run.workflowId, run.instanceId, verb);
      if (next) onChanged(next);
      told(`The run is ${verb === "pause" && next?.status !== "paused" ? "being paused" : done}.`);
      if (!next) {
        await navigate({ to: "/workflows/$id/runs", params: { id: run.workflowId } });
      }
    } catch (error) {
      failed(error);
    }
  };

  const offered: Verb[] = ["resume", "pause", "restart", "terminate", "delete"];
  const commands: Command[] = offered
    .filter((verb) => allows(run, verb))
    .map((verb) => ({
      id: `run-${verb}`,
      title: VERBS[verb].title,
      group: "Run",
      icon: VERBS[verb].icon,
      danger: VERBS[verb].danger,
      keys: { pause: "P", resume: "P", restart: "R", terminate: undefined, delete: undefined }[
        verb
      ],
      run: () => void act(verb),
    }));
  if (isLive(run)) {
    commands.push({
      id: "run-event",
      title: "Send event",
      group: "Run",
      icon: BellRing,
      keys: "E",
      run: () => setAsking({ what: "event" }),
    });
  }
  commands.push({
    id: "run-curl",
    title: "Copy as curl",
    group: "Run",
    icon: Copy,
    run: () => {
      void navigator.clipboard.writeText(curl(runAddress(run.workflowId, run.instanceId)));
      told("Copied.");
    },
  });
  useCommands(commands);

  const shared = { run, onClose: close, onChanged };
  return {
    commands,
    restart: (step) => setAsking({ what: "restart", step }),
    sendEvent: (type) => setAsking({ what: "event", type }),
    dialogs: (
      <>
        {asking?.what === "terminate" && <TerminateDialog {...shared} undoes={undoes} />}
        {asking?.what === "restart" && (
          <RestartDialog {...shared} step={asking.step} workflow={workflow} />
        )}
        {asking?.what === "event" && (
          <SendEventDialog run={run} steps={steps} type={asking.type} onClose={close} />
        )}
      </>
    ),
  };
}

type AskProps = { run: Run; onClose: () => void; onChanged: (run: Run) => void };

function TerminateDialog({ run, undoes, onClose, onChanged }: AskProps & { undoes: boolean }) {
  const [rollback, setRollback] = useState(false);
  const { act, busy } = useAct(failed);
  const terminate = () =>
    act(async () => {
      const next = await must(
        api.POST("/api/workflows/{id}/runs/{run}/terminate", {
          params: { path: { id: run.workflowId, run: run.instanceId } },
          body: { rollback },
        }),
      );
      onChanged(next);
      told(rollback ? "Its steps are being undone; then it ends." : "The run is terminated.");
      onClose();
    });
  return (
    <Dialog
      open
      onClose={onClose}
      width={440}
      title="Terminate the run?"
      description={lossOf("terminate", 1)}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="danger" busy={busy} onClick={() => void terminate()}>
            {rollback ? "Undo and terminate" : "Terminate"}
          </Button>
        </>
      }
    >
      {undoes ? (
        <div className="flex items-start gap-2">
          <span className="pt-0.5">
            <Checkbox id="rollback" checked={rollback} onChange={setRollback} />
          </span>
          <label htmlFor="rollback">
            Undo its finished steps first
            <span className="block text-muted">
              The rollback code of each is run, the last step's first. The run ends after that.
            </span>
          </label>
        </div>
      ) : (
        <p className="text-muted">
          No step of this version has rollback code, so nothing is undone.
        </p>
      )}
    </Dialog>
  );
}

type RestartDialogProps = AskProps & { step?: Step; workflow: FullWorkflow | undefined };

function RestartDialog({ run, step, workflow, onClose, onChanged }: RestartDialogProps) {
  const [newest, setNewest] = useState(false);
  const { act, busy } = useAct(failed);
  const active = workflow?.deployment?.status === "active" ? workflow.deployment.id : null;
  const another = active !== null && active !== run.deploymentId;
  const restart = () =>
    act(async () => {
      const next = await must(
        api.POST("/api/workflows/{id}/runs/{run}/restart", {
          params: { path: { id: run.workflowId, run: run.instanceId } },
          body: { step: step?.name, count: step?.count ?? 1, onNewest: newest },
        }),
      );
      onChanged(next);
      told(step ? `The run goes on from ${step.name}.` : "The run begins anew.");
      onClose();
    });
  return (
    <Dialog
      open
      onClose={onClose}
      width={440}
      title={step ? `Restart from “${step.name}”?` : "Restart the run?"}
      description={
        step
          ? "What was recorded before this step is kept; the step and what followed it run again."
          : lossOf("restart", 1)
      }
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" busy={busy} onClick={() => void restart()}>
            Restart
          </Button>
        </>
      }
    >
      {another ? (
        <fieldset className="flex flex-col gap-2">
          <legend className="mb-1 font-medium text-soft text-table">With the code of</legend>
          <Choice name="same" checked={!newest} onChange={() => setNewest(false)}>
            the deployment that it ran on
          </Choice>
          <Choice name="newest" checked={newest} onChange={() => setNewest(true)}>
            the deployment that is live now
          </Choice>
          {newest && step && (
            <p className="text-muted text-table">
              If the newer code asks for other steps than were recorded, the run ends with an error.
            </p>
          )}
        </fieldset>
      ) : (
        <p className="text-muted">It keeps its id, and the code of its deployment.</p>
      )}
    </Dialog>
  );
}

type ChoiceProps = {
  name: string;
  checked: boolean;
  onChange: () => void;
  children: React.ReactNode;
};

function Choice({ name, checked, onChange, children }: ChoiceProps) {
  return (
    <label className="flex items-center gap-2">
      <input
        type="radio"
        name="deployment"
        value={name}
        checked={checked}
        onChange={onChange}
        className="size-4 accent-(--accent)"
      />
      {children}
    </label>
  );
}
