import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { Rocket } from "lucide-react";
import { useState } from "react";
import { type Deployment, queries } from "@/api/queries";
import { Page } from "@/app/page";
import { DeployDialog } from "@/deploy/deploy-dialog";
import { Button } from "@/design/button";
import { Empty, SkeletonRows } from "@/design/empty";
import { plural } from "@/design/format";
import { Problem } from "@/design/problem";
import { DeploymentList } from "./deployment-list";

/** Every time this workflow was put live. */
export function WorkflowDeployments() {
  const { id } = useParams({ from: "/shell/workflows/$id/deployments" });
  const navigate = useNavigate();
  const { data: workflow } = useQuery(queries.workflow(id));
  const { data, error } = useQuery(queries.deployments(id));
  const { data: versions } = useQuery(queries.versions(id));
  const [deploying, setDeploying] = useState<Deployment | "editor" | null>(null);
  const version =
    deploying === "editor"
      ? undefined
      : versions?.find((one) => one.id === (deploying as Deployment | null)?.versionId);
  return (
    <Page
      title="Deployments"
      aside={data && <span className="text-muted">{plural(data.length, "deployment")}</span>}
    >
      {error && (
        <div className="p-4 md:p-6">
          <Problem error={error} />
        </div>
      )}
      {!data && !error && <SkeletonRows />}
      {data?.length === 0 && (
        <Empty
          icon={Rocket}
          title="Never deployed"
          action={
            <Button look="primary" icon={Rocket} onClick={() => setDeploying("editor")}>
              Deploy
            </Button>
          }
        >
          A deploy saves a version, compiles it to one Python file and puts it live with a Worker
          URL. Runs stay on the version they started with.
        </Empty>
      )}
      {data && data.length > 0 && <DeploymentList deployments={data} onRedeploy={setDeploying} />}
      {workflow && deploying && (deploying === "editor" || version) && (
        <DeployDialog
          workflow={workflow}
          version={version}
          onClose={() => setDeploying(null)}
          onTrigger={() =>
            void navigate({
              to: "/workflows/$id/runs",
              params: { id },
              search: { trigger_dialog: true },
            })
          }
        />
      )}
    </Page>
  );
}
