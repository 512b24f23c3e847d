import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { History } from "lucide-react";
import { useState } from "react";
import { queries, type Version } from "@/api/queries";
import { Page } from "@/app/page";
import { DeployDialog } from "@/deploy/deploy-dialog";
import { Empty, SkeletonRows } from "@/design/empty";
import { plural } from "@/design/format";
import { Problem } from "@/design/problem";
import { Comparison } from "./comparison";
import { VersionRow } from "./version-row";

/** All versions, and what differs between two of them. */
export function Versions() {
  const { id } = useParams({ from: "/shell/workflows/$id/versions" });
  const search = useSearch({ from: "/shell/workflows/$id/versions" });
  const navigate = useNavigate({ from: "/workflows/$id/versions" });
  const { data: workflow } = useQuery(queries.workflow(id));
  const { data: versions, error } = useQuery(queries.versions(id));
  const [deploying, setDeploying] = useState<Version | null>(null);
  const live = workflow?.deployment?.status === "active" ? workflow.deployment.versionId : null;

  const named = (ref: string | undefined) =>
    versions?.find((version) => version.id === ref || String(version.version) === ref);
  const shown = named(search.version) ?? versions?.[0];
  const older = versions?.filter((version) => shown && version.version < shown.version) ?? [];
  // What is newer than what is live is of interest for what a deploy of it would change.
  const before = older.find((version) => version.id === live) ?? older[0];
  const against = named(search.against) ?? (search.against ? undefined : before);

  if (error) {
    return (
      <Page title="Versions" narrow>
        <Problem error={error} />
      </Page>
    );
  }
  if (!versions || !workflow) {
    return (
      <Page title="Versions">
        <SkeletonRows />
      </Page>
    );
  }
  if (versions.length === 0) {
    return (
      <Page title="Versions">
        <Empty icon={History} title="No version yet">
          A version is a saved graph that never changes. Each deploy of a changed graph saves one.
          Here you compare them, go back to one, or put an older one live.
        </Empty>
      </Page>
    );
  }
  return (
    <Page
      title="Versions"
      aside={<span className="text-muted">{plural(versions.length, "version")}</span>}
    >
      <div className="flex h-full min-h-0 max-lg:flex-col">
        <ol
          aria-label="Versions, the newest first"
          className="w-full shrink-0 overflow-auto max-lg:max-h-72 max-lg:border-b lg:w-100 lg:border-r"
        >
          {versions.map((version) => (
            <VersionRow
              key={version.id}
              workflow={workflow}
              version={version}
              live={version.id === live}
              newest={version.id === versions[0]?.id}
              shown={version.id === shown?.id}
              onDeploy={() => setDeploying(version)}
              onShow={() =>
                void navigate({
                  search: (kept) => ({
                    ...kept,
                    version: version.id,
                    against: undefined,
                  }),
                  replace: true,
                })
              }
            />
          ))}
        </ol>
        {shown && (
          <Comparison
            workflow={id}
            versions={versions}
            live={live}
            shown={shown}
            against={against}
            show={search.show ?? "graph"}
            onChange={(next) =>
              void navigate({ search: (kept) => ({ ...kept, ...next }), replace: true })
            }
          />
        )}
      </div>
      {deploying && (
        <DeployDialog
          workflow={workflow}
          version={deploying}
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
