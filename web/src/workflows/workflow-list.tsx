import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Plus, Search, SquareFunction, Upload, Workflow as WorkflowIcon } from "lucide-react";
import { useRef, useState } from "react";
import { type ListedWorkflow, queries } from "@/api/queries";
import { Page } from "@/app/page";
import { Button } from "@/design/button";
import { useCommands } from "@/design/commands";
import { cx } from "@/design/cx";
import { Empty, SkeletonRows } from "@/design/empty";
import { Input } from "@/design/field";
import { Problem } from "@/design/problem";
import { StateIcon } from "@/design/state";
import { Cell, Row, Table } from "@/design/table";
import { When } from "@/design/time";
import { Tooltip } from "@/design/tooltip";
import { CreateDialog } from "./create-dialog";
import { ImportDialog } from "./import-dialog";
import { matches } from "./search";
import { WorkflowActs } from "./workflow-acts";

/** All workflows and functions: what is live, and how the last run went. */
export function WorkflowList() {
  const search = useSearch({ from: "/shell/workflows" });
  const navigate = useNavigate({ from: "/workflows" });
  const { data, error } = useQuery({ ...queries.workflows(), refetchInterval: 5000 });
  const [file, setFile] = useState<File | "choose" | null>(null);
  const [over, setOver] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const q = search.q ?? "";
  const found = data?.filter((workflow) => matches(workflow, q)) ?? [];
  const create = (open: boolean) =>
    void navigate({ search: (kept) => ({ ...kept, new: open ? true : undefined }) });
  useCommands([
    {
      id: "import-workflow",
      title: "Import a workflow",
      group: "General",
      icon: Upload,
      run: () => setFile("choose"),
    },
    {
      id: "find-workflow",
      title: "Filter workflows",
      group: "List",
      icon: Search,
      keys: "/",
      run: () => field.current?.focus(),
    },
  ]);

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: files may be dropped anywhere; the button does the same
    <div
      className={cx("h-full", over && "outline-2 -outline-offset-4 outline-accent outline-dashed")}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes("Files")) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        const [dropped] = event.dataTransfer.files;
        if (dropped) setFile(dropped);
      }}
    >
      <Page
        title="Workflows"
        aside={data && <span className="text-muted">{data.length}</span>}
        actions={
          <>
            {data && data.length > 0 && (
              <div className="relative w-44 sm:w-56">
                <Search
                  size={14}
                  className="pointer-events-none absolute top-2.25 left-2.5 text-muted"
                />
                <Input
                  ref={field}
                  type="search"
                  aria-label="Filter workflows"
                  placeholder="Filter"
                  value={q}
                  className="pl-8!"
                  onChange={(event) =>
                    void navigate({
                      search: (kept) => ({ ...kept, q: event.target.value || undefined }),
                      replace: true,
                    })
                  }
                />
              </div>
            )}
            <Button icon={Upload} onClick={() => setFile("choose")}>
              Import
            </Button>
            <Button look="primary" icon={Plus} onClick={() => create(true)}>
              New
            </Button>
          </>
        }
      >
        {error && (
          <div className="p-4 md:p-6">
            <Problem error={error} />
          </div>
        )}
        {!data && !error && <SkeletonRows />}
        {data?.length === 0 && <None onCreate={() => create(true)} />}
        {data && data.length > 0 && found.length === 0 && (
          <Empty icon={Search} title="None is like that">
            No workflow has “{q}” in its name, its description or its worker’s name.
          </Empty>
        )}
        {found.length > 0 && <List workflows={found} />}
      </Page>
      {search.new && (
        <CreateDialog
          onClose={() => create(false)}
          onImport={() => {
            create(false);
            setFile("choose");
          }}
        />
      )}
      {file && (
        <ImportDialog file={file === "choose" ? null : file} onClose={() => setFile(null)} />
      )}
    </div>
  );
}

function List({ workflows }: { workflows: ListedWorkflow[] }) {
  return (
    <Table
      label="Workflows"
      columns={[
        { title: "Name" },
        { title: "State" },
        { title: "Version", wide: true },
        { title: "Last run" },
        { title: "Changed", wide: true },
        { title: "Actions", hidden: true, className: "w-px" },
      ]}
    >
      {workflows.map((workflow) => {
        const run = workflow.lastRun;
        const Icon = workflow.kind === "script" ? SquareFunction : WorkflowIcon;
        return (
          <Row key={workflow.id}>
            <Cell className="w-1/2 max-w-0">
              <span className="flex min-w-0 items-center gap-2.5">
                <Icon
                  size={16}
                  className="shrink-0 text-muted"
                  role="img"
                  aria-label={workflow.kind === "script" ? "Function" : "Workflow"}
                />
                <span className="min-w-0">
                  <Link
                    to="/workflows/$id"
                    params={{ id: workflow.id }}
                    className="block truncate font-medium text-app hover:underline"
                  >
                    {workflow.name}
                  </Link>
                  {workflow.description && (
                    <span className="block truncate text-muted">{workflow.description}</span>
                  )}
                </span>
              </span>
            </Cell>
            <Cell>
              <LiveState workflow={workflow} />
            </Cell>
            <Cell wide className="whitespace-nowrap text-soft">
              <Versions workflow={workflow} />
            </Cell>
            <Cell className="whitespace-nowrap">
              {run ? (
                <Link
                  to="/workflows/$id/runs/$run"
                  params={{ id: workflow.id, run: run.instanceId }}
                  className="inline-flex items-center gap-1.5 text-soft hover:underline"
                >
                  <StateIcon state={run.status} />
                  <span className="sr-only">{run.status}</span>
                  <When at={run.createdAt} />
                </Link>
              ) : (
                <span className="text-muted">–</span>
              )}
            </Cell>
            <Cell wide className="whitespace-nowrap text-soft">
              <When at={workflow.updatedAt} />
            </Cell>
            <Cell>
              <WorkflowActs workflow={workflow} />
            </Cell>
          </Row>
        );
      })}
    </Table>
  );
}

function LiveState({ workflow }: { workflow: ListedWorkflow }) {
  const { crashed, liveVersion } = workflow;
  const [text, word] = crashed
    ? ["text-errored", "Crashed"]
    : liveVersion === null
      ? ["text-muted", "Not deployed"]
      : ["text-complete", "Live"];
  const state = (
    <span className={cx("inline-flex items-center gap-1.5 font-medium whitespace-nowrap", text)}>
      <span className="size-2 rounded-full bg-current" />
      {word}
    </span>
  );
  return crashed ? <Tooltip text={crashed}>{state}</Tooltip> : state;
}

/** The version that is live, and the newest where that is another. */
function Versions({ workflow }: { workflow: ListedWorkflow }) {
  const { liveVersion, newestVersion } = workflow;
  if (newestVersion === null) return <span className="text-muted">–</span>;
  if (liveVersion === null) return <span className="text-muted">{newestVersion}</span>;
  if (liveVersion === newestVersion) return liveVersion;
  return (
    <Tooltip text={`Version ${newestVersion} is saved and not deployed.`}>
      <span>
        {liveVersion} <span className="text-waiting">→ {newestVersion}</span>
      </span>
    </Tooltip>
  );
}

function None({ onCreate }: { onCreate: () => void }) {
  return (
    <Empty
      icon={WorkflowIcon}
      title="No workflow yet"
      action={
        <>
          <Button look="primary" icon={Plus} onClick={onCreate}>
            New workflow
          </Button>
          <Link
            to="/templates"
            className="flex h-8 items-center rounded-control border border-line-strong px-3 font-medium hover:bg-hover"
          >
            Look at templates
          </Link>
        </>
      }
    >
      A workflow is steps that run in order, each kept once it is done: it survives crashes, waits
      for months without cost, and shows every attempt. Draw one, start from a template, or drop an
      export here.
    </Empty>
  );
}
