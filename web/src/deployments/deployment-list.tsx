import { useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleSlash, ExternalLink, History, Rocket } from "lucide-react";
import { useState } from "react";
import { type Deployment, type HandlerFailure, queries } from "@/api/queries";
import { browserUrl } from "@/deploy/addresses";
import { IconButton } from "@/design/button";
import { CopyButton } from "@/design/copy";
import { cx } from "@/design/cx";
import { Dialog, useConfirm } from "@/design/dialog";
import { Cell, type Column, Row, Table } from "@/design/table";
import { When } from "@/design/time";
import { failed } from "@/design/toast";
import { Tooltip } from "@/design/tooltip";
import { Traceback } from "@/design/traceback";
import { takeDown, useTakeDown } from "./take-down";

type ListProps = {
  deployments: Deployment[];
  /** With the workflow's name in front. */
  named?: boolean;
  onRedeploy?: (deployment: Deployment) => void;
};

export function DeploymentList({ deployments, named, onRedeploy }: ListProps) {
  const { data: connections } = useQuery(queries.connections());
  const { data: workflows } = useQuery({ ...queries.workflows(), enabled: named ?? false });
  const numbers = useNumbers(deployments);
  const columns: Column[] = [
    ...(named ? [{ title: "Workflow" }] : []),
    { title: "Version" },
    { title: "State" },
    { title: "Worker URL", wide: true },
    { title: "Connection", wide: true },
    { title: "Deployed" },
    { title: "Actions", hidden: true, className: "w-px" },
  ];
  return (
    <Table label="Deployments" columns={columns}>
      {deployments.map((deployment) => (
        <Row key={deployment.id}>
          {named && (
            <Cell className="max-w-60 max-md:w-full max-md:max-w-0">
              <Link
                to="/workflows/$id/deployments"
                params={{ id: deployment.workflowId }}
                className="block truncate font-medium text-app hover:underline"
              >
                {workflows?.find((one) => one.id === deployment.workflowId)?.name ??
                  deployment.workerName}
              </Link>
            </Cell>
          )}
          <Cell className="whitespace-nowrap">
            <Link
              to="/workflows/$id/versions"
              params={{ id: deployment.workflowId }}
              search={{ version: deployment.versionId }}
              className="hover:underline"
            >
              {numbers.get(deployment.versionId) ?? "–"}
            </Link>
          </Cell>
          <Cell>
            <Status deployment={deployment} />
          </Cell>
          <Cell wide>
            <Address deployment={deployment} />
          </Cell>
          <Cell wide className="whitespace-nowrap text-soft">
            {connections?.find((one) => one.id === deployment.connectionId)?.name ?? "–"}
          </Cell>
          <Cell className="whitespace-nowrap text-soft">
            <When at={deployment.createdAt} />
          </Cell>
          <Cell>
            <Acts deployment={deployment} onRedeploy={onRedeploy} />
          </Cell>
        </Row>
      ))}
    </Table>
  );
}

/** The numbers of the versions that were deployed: a deployment knows only their ids. */
function useNumbers(deployments: Deployment[]): Map<string, number> {
  const workflows = [...new Set(deployments.map((deployment) => deployment.workflowId))];
  return useQueries({
    queries: workflows.map((id) => queries.versions(id)),
    combine: (answers) =>
      new Map(
        answers.flatMap(({ data }) =>
          (data ?? []).map((version): [string, number] => [version.id, version.version]),
        ),
      ),
  });
}

const STATES = {
  crashed: { text: "text-errored", word: "Crashed" },
  active: { text: "text-complete", word: "Live" },
  superseded: { text: "text-muted", word: "Replaced" },
  stopped: { text: "text-terminated", word: "Taken down" },
} as const;

function Status({ deployment }: { deployment: Deployment }) {
  const { text, word } = STATES[deployment.crashed ? "crashed" : deployment.status];
  const shown = (
    <span className={cx("inline-flex items-center gap-1.5 font-medium whitespace-nowrap", text)}>
      <span className="size-2 rounded-full bg-current" />
      {word}
    </span>
  );
  const { crashed, handlerFailure } = deployment;
  if (!crashed && !handlerFailure) return shown;
  return (
    <div>
      {shown}
      {crashed && (
        <p className="max-w-80 max-md:max-w-36 text-errored text-table break-words">{crashed}</p>
      )}
      {handlerFailure && <FailedRequest failure={handlerFailure} />}
    </div>
  );
}

function FailedRequest({ failure }: { failure: HandlerFailure }) {
  const [open, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <>
      <button
        type="button"
        aria-haspopup="dialog"
        onClick={() => setOpen(true)}
        className="block max-md:max-w-36 text-left text-errored text-table underline-offset-2 hover:underline"
      >
        Failed to answer a request <When at={failure.at} />
      </button>
      <Dialog
        open={open}
        onClose={close}
        title="The last request it failed to answer"
        description="Who asked got a 500, without what stands here."
        width={720}
      >
        <div className="flex flex-col gap-3">
          <div className="rounded-control border border-errored/40 bg-errored/5 p-3">
            <p className="font-semibold text-errored">{failure.name}</p>
            <p className="mt-0.5 break-words whitespace-pre-wrap">{failure.message}</p>
          </div>
          {failure.traceback && <Traceback text={failure.traceback} />}
        </div>
      </Dialog>
    </>
  );
}

function Address({ deployment }: { deployment: Deployment }) {
  if (deployment.status !== "active") return <span className="text-muted">–</span>;
  return (
    <span className="flex min-w-0 items-center gap-0.5">
      <span className="max-w-72 truncate font-mono">{deployment.url}</span>
      <CopyButton text={deployment.url} label="Copy the Worker URL" />
      <Tooltip text="Open it">
        <a
          href={browserUrl(deployment.url)}
          target="_blank"
          rel="noreferrer"
          aria-label="Open the Worker URL"
          className="flex size-6 items-center justify-center rounded-control text-soft hover:bg-hover hover:text-ink"
        >
          <ExternalLink size={14} />
        </a>
      </Tooltip>
    </span>
  );
}

function Acts({
  deployment,
  onRedeploy,
}: { deployment: Deployment } & Pick<ListProps, "onRedeploy">) {
  const confirm = useConfirm();
  const cache = useQueryClient();
  const busy = useTakeDown((state) => state.busy.has(deployment.workflowId));
  if (deployment.status === "active") {
    return (
      <span className="flex justify-end gap-1">
        {onRedeploy && (
          <IconButton
            icon={Rocket}
            label="Deploy it again"
            size="small"
            onClick={() => onRedeploy(deployment)}
          />
        )}
        <IconButton
          icon={CircleSlash}
          label="Take it down"
          size="small"
          disabled={busy}
          onClick={() => void takeDown(deployment, confirm, cache).catch(failed)}
        />
      </span>
    );
  }
  return onRedeploy ? (
    <span className="flex justify-end">
      <IconButton
        icon={History}
        label="Deploy this version again"
        size="small"
        onClick={() => onRedeploy(deployment)}
      />
    </span>
  ) : null;
}
