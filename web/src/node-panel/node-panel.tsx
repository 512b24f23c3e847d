import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useMemo, useState } from "react";
import type { Detail } from "@/api/client";
import { type NodeType, queries } from "@/api/queries";
import { Tabs } from "@/design/tabs";
import { useEditor } from "@/editor/store";
import { FormProvider } from "@/forms/context";
import { readablesAt } from "@/forms/readables";
import { useVariables } from "@/forms/variables";
import type { GraphNode } from "@/graph/model";
import { Form } from "./form";
import { Header } from "./header";
import { useLastRuns } from "./last-run";
import { LastRunTab } from "./last-run-tab";

type NodePanelProps = {
  node: GraphNode;
  type: NodeType | undefined;
  /** The problem that was clicked in the list; its field is shown. */
  problem: Detail | null;
  onClose: () => void;
};

type Tab = "settings" | "last-run";

/** The form of the node that is selected, and what it did when it last ran. */
export function NodePanel({ node, type, problem, onClose }: NodePanelProps) {
  const [tab, setTab] = useState<Tab>("settings");
  const all = useEditor((state) => state.problems);
  const problems = useMemo(() => all.filter((one) => one.nodeId === node.id), [all, node.id]);
  const readables = useReadables(node.id);
  useLastRuns();
  return (
    <aside
      aria-label={node.name || node.id}
      onKeyDown={(event) => {
        const typing = isText(event.target);
        // Keys of the canvas that would take the node away from under its form.
        if (!typing && ["Backspace", "Delete"].includes(event.key)) event.stopPropagation();
        if (event.key === "Escape" && !event.defaultPrevented && inside(event)) onClose();
      }}
      className="flex min-h-0 shrink-0 flex-col bg-surface max-md:fixed max-md:inset-0 max-md:z-30 md:w-95 md:border-l"
    >
      <Header node={node} type={type} onClose={onClose} />
      <FormProvider readables={readables} problems={problems} focus={problem}>
        <Tabs<Tab>
          label="Of the node"
          value={tab}
          onChange={setTab}
          className="flex-1"
          tabs={[
            {
              value: "settings",
              label: "Settings",
              content: type ? <Form node={node} type={type} /> : <Unknown node={node} />,
            },
            {
              value: "last-run",
              label: "Last run",
              content: <LastRunTab node={node} type={type} />,
            },
          ]}
        />
      </FormProvider>
    </aside>
  );
}

/** An event of a window that floats above comes up through React, not through the page. */
function inside(event: React.KeyboardEvent): boolean {
  return event.currentTarget.contains(event.target as Node);
}

function isText(target: EventTarget): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA)$/.test(target.tagName))
  );
}

function useReadables(id: string) {
  // What can be read changes seldom; a letter that is typed does not wait for it.
  const graph = useDeferredValue(useEditor((state) => state.graph));
  const samples = useEditor((state) => state.samples);
  const payload = useEditor((state) => state.payload);
  const workflow = useEditor((state) => state.workflow);
  const variables = useVariables(workflow);
  const { data: list } = useQuery(queries.nodeTypes());
  const types = useMemo(() => new Map((list ?? []).map((type) => [type.type, type])), [list]);
  return useMemo(
    () => readablesAt(graph, id, { types, samples, payload, variables }),
    [graph, id, types, samples, payload, variables],
  );
}

function Unknown({ node }: { node: GraphNode }) {
  return (
    <div className="flex flex-col gap-2 p-4">
      <p className="text-muted">Its data, as it is:</p>
      <pre className="overflow-auto rounded-control border bg-ground p-2 font-mono text-table">
        {JSON.stringify(node.data, null, 2)}
      </pre>
    </div>
  );
}
