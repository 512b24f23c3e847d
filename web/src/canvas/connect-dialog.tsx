import { useState } from "react";
import { Button } from "@/design/button";
import { Dialog } from "@/design/dialog";
import { Field, Select } from "@/design/field";
import { useEditorStore } from "@/editor/store";
import { connect } from "@/graph/edits";
import { armsOf, isContainer, nodeOf } from "@/graph/model";

/** Connects a node without a pointer: to which one, and by which arm. */
export function ConnectDialog({ source, onClose }: { source: string; onClose: () => void }) {
  const store = useEditorStore();
  const { graph } = store.getState();
  const from = nodeOf(graph, source);
  const others = graph.nodes.filter((node) => node.id !== source);
  const arms = from && isContainer(from.type) ? armsOf(from, graph.edges) : [];
  const [target, setTarget] = useState(others[0]?.id ?? "");
  const [arm, setArm] = useState(arms[0]?.label ?? "");
  const done = () => {
    store
      .getState()
      .edit("Connect", (now) => connect(now, source, target, arms.length > 0 ? arm : undefined));
    onClose();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Connect ${from?.name ?? source}`}
      description="An edge that already leaves by that way is led elsewhere."
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" disabled={!target} onClick={done}>
            Connect
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        {arms.length > 0 && (
          <Field label="Arm">
            {(ids) => (
              <Select
                {...ids}
                value={arm}
                onChange={setArm}
                choices={arms.map(({ label }) => ({ value: label, label }))}
              />
            )}
          </Field>
        )}
        <Field label="To">
          {(ids) => (
            <Select
              {...ids}
              value={target}
              onChange={setTarget}
              choices={others.map((node) => ({ value: node.id, label: node.name, hint: node.id }))}
            />
          )}
        </Field>
      </div>
    </Dialog>
  );
}
