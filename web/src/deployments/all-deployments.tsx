import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Rocket } from "lucide-react";
import { queries } from "@/api/queries";
import { Page } from "@/app/page";
import { Empty, SkeletonRows } from "@/design/empty";
import { Select } from "@/design/field";
import { plural } from "@/design/format";
import { Problem } from "@/design/problem";
import { DeploymentList } from "./deployment-list";

type Shown = "live" | "all";

/** What is live everywhere, and what was. */
export function AllDeployments() {
  const { data, error } = useQuery(queries.deployments());
  const { show } = useSearch({ from: "/shell/deployments" });
  const navigate = useNavigate({ from: "/deployments" });
  const shown: Shown = show ?? "live";
  const live = data?.filter((deployment) => deployment.status === "active") ?? [];
  const list = shown === "live" ? live : (data ?? []);
  return (
    <Page
      title="Deployments"
      aside={data && <span className="text-muted">{live.length} live</span>}
      actions={
        data && data.length > 0 ? (
          <Select<Shown>
            label="Shown"
            className="w-44"
            value={shown}
            onChange={(next) =>
              void navigate({ search: { show: next === "all" ? next : undefined }, replace: true })
            }
            choices={[
              { value: "live", label: "What is live" },
              { value: "all", label: `All, ${plural(data.length, "deployment")}` },
            ]}
          />
        ) : undefined
      }
    >
      {error && (
        <div className="p-4 md:p-6">
          <Problem error={error} />
        </div>
      )}
      {!data && !error && <SkeletonRows />}
      {data && list.length === 0 && (
        <Empty
          icon={Rocket}
          title="Nothing is live"
          action={
            <Link to="/workflows" className="font-medium text-accent hover:underline">
              To the workflows
            </Link>
          }
        >
          Deploying a workflow gives it a Worker URL and lets it take runs. Open one and press{" "}
          <strong className="font-medium">Deploy</strong>.
        </Empty>
      )}
      {list.length > 0 && <DeploymentList deployments={list} named />}
    </Page>
  );
}
