import { CopyPlus, Ellipsis, Flag, Trash2, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { NodeType } from "@/api/queries";
import { FAMILIES, familyOf, iconOf } from "@/canvas/families";
import { IconButton } from "@/design/button";
import { cx } from "@/design/cx";
import { Menu } from "@/design/menu";
import { told } from "@/design/toast";
import { Tooltip } from "@/design/tooltip";
import { useEditor, useEditorStore } from "@/editor/store";
import { copy, paste } from "@/graph/clipboard";
import { idsOf, remove, setEntry, setId, setName } from "@/graph/edits";
import type { GraphNode } from "@/graph/model";
import { canBeId } from "@/graph/names";

type HeaderProps = { node: GraphNode; type: NodeType | undefined; onClose: () => void };

/** What a node is: its name and id, both edited in place, and what can be done with it as a whole. */
export function Header({ node, type, onClose }: HeaderProps) {
  const store = useEditorStore();
  const starts = useEditor((state) => state.graph.entryNodeId === node.id);
  const Icon = iconOf(node.type, type);
  const family = FAMILIES[familyOf(node.type)];
  return (
    <header className="flex flex-col gap-2 px-4 pt-3 pb-2">
      <div className="flex items-start gap-2.5">
        <span
          className={cx(
            "mt-0.5 flex size-7 shrink-0 items-center justify-center rounded-control",
            family.tile,
          )}
        >
          <Icon size={16} />
        </span>
        <div className="min-w-0 flex-1">
          <Name node={node} />
          <Id node={node} />
        </div>
        <Menu
          trigger={<IconButton icon={Ellipsis} label="More for this node" />}
          items={[
            {
              label: starts ? "The run starts here" : "Start here",
              icon: Flag,
              disabled: starts,
              onSelect: () =>
                store.getState().edit("Start here", (graph) => setEntry(graph, node.id)),
            },
            {
              label: "Duplicate",
              icon: CopyPlus,
              keys: "Mod+D",
              onSelect: () => duplicate(store, node),
            },
            "separator",
            {
              label: "Delete",
              icon: Trash2,
              keys: "Backspace",
              danger: true,
              onSelect: () => {
                store
                  .getState()
                  .edit(`Delete ${node.name}`, (graph) => remove(graph, new Set([node.id])));
                told(`Deleted ${node.name}.`, () => store.getState().undo());
              },
            },
          ]}
        />
        <IconButton icon={X} label="Close" keys="Escape" onClick={onClose} />
      </div>
      <p className="text-muted text-table">
        {type ? (
          <>
            <span className="font-medium text-soft">{type.title}.</span> {type.summary}
          </>
        ) : (
          <>
            This server has no node type <code className="font-mono">{node.type}</code>.
          </>
        )}
        {starts && <span> The run starts here.</span>}
      </p>
    </header>
  );
}

function duplicate(store: ReturnType<typeof useEditorStore>, node: GraphNode): void {
  const { graph, edit, select } = store.getState();
  const piece = copy(graph, new Set([node.id]));
  let made: string[] = [];
  edit(`Duplicate ${node.name}`, (now) => {
    const at = { x: node.position.x + 48, y: node.position.y + 48 };
    const pasted = paste(now, piece, at);
    made = pasted.ids;
    return pasted.graph;
  });
  select(made);
}

const IN_PLACE =
  "w-full min-w-0 rounded-[4px] border border-transparent bg-transparent px-1 -ml-1 hover:border-line-strong focus:border-line-strong";

function Name({ node }: { node: GraphNode }) {
  const store = useEditorStore();
  return (
    <input
      aria-label="Name of the node"
      value={node.name}
      maxLength={256}
      spellCheck={false}
      onChange={(event) => {
        const name = event.target.value;
        store
          .getState()
          .edit("Rename", (graph) => setName(graph, node.id, name), `name ${node.id}`);
      }}
      onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
      className={cx(IN_PLACE, "h-6 font-semibold")}
    />
  );
}

/** The node's variable. Another one is taken once it is whole: its readers follow. */
function Id({ node }: { node: GraphNode }) {
  const store = useEditorStore();
  const [text, setText] = useState(node.id);
  const [wrong, setWrong] = useState("");
  const cancelled = useRef(false);
  useEffect(() => setText(node.id), [node.id]);
  const save = () => {
    if (cancelled.current || text === node.id) {
      cancelled.current = false;
      setText(node.id);
      return setWrong("");
    }
    const reason = whyNot(text, idsOf(store.getState().graph));
    setWrong(reason);
    if (reason) return;
    store.getState().edit(`Rename ${node.id} to ${text}`, (graph) => setId(graph, node.id, text));
    store.getState().select([text]);
  };
  return (
    <>
      <Tooltip
        side="left"
        text="Its variable: other nodes read its value by this name. Letters, digits and _."
      >
        <input
          aria-label="Id of the node, its variable"
          aria-invalid={wrong !== "" || undefined}
          aria-describedby={wrong ? "node-id-wrong" : undefined}
          value={text}
          maxLength={100}
          spellCheck={false}
          onChange={(event) => {
            setText(event.target.value);
            setWrong("");
          }}
          onBlur={save}
          onKeyDown={(event) => {
            if (event.key === "Enter") save();
            if (event.key === "Escape") {
              event.stopPropagation();
              cancelled.current = true;
              event.currentTarget.blur();
            }
          }}
          className={cx(
            IN_PLACE,
            "h-5 font-mono text-muted text-table aria-invalid:border-errored",
          )}
        />
      </Tooltip>
      {wrong && (
        <p id="node-id-wrong" role="alert" className="text-errored text-table">
          {wrong}
        </p>
      )}
    </>
  );
}

function whyNot(text: string, taken: ReadonlySet<string>): string {
  if (text === "") return "It needs a name.";
  if (taken.has(text)) return "Another node has this id.";
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(text)) {
    return "A variable begins with a letter; then letters, digits and _ may follow.";
  }
  return canBeId(text) ? "" : "Python or AwaitStep uses this word itself.";
}
