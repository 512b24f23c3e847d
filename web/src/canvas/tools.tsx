import { Plus, WandSparkles } from "lucide-react";
import { Button, IconButton } from "@/design/button";
import type { Command } from "@/design/commands";

/** What is used most of the commands, as buttons on the canvas. */
export function Tools({ commands, onAsk }: { commands: Command[]; onAsk: () => void }) {
  const byId = new Map(commands.map((command) => [command.id, command]));
  return (
    <div
      role="toolbar"
      aria-label="Canvas"
      className="absolute top-3 left-3 z-10 flex flex-col gap-0.5 rounded-panel border bg-raised p-1"
    >
      <IconButton
        icon={Plus}
        label="Add a node"
        keys="A"
        side="right"
        look="primary"
        onClick={onAsk}
      />
      {["canvas-undo", "canvas-redo", "canvas-layout", "canvas-note", "canvas-fit"].map((id) => {
        const command = byId.get(id);
        return command?.icon ? (
          <IconButton
            key={id}
            icon={command.icon}
            label={command.title}
            keys={command.keys}
            side="right"
            disabled={command.disabled}
            onClick={command.run}
          />
        ) : null;
      })}
    </div>
  );
}

/** What an empty canvas says. */
export function FirstNode({ onAsk }: { onAsk: () => void }) {
  return (
    <div className="pointer-events-none absolute inset-0 z-10 flex items-center justify-center">
      <div className="pointer-events-auto flex flex-col items-center gap-2 text-center">
        <WandSparkles size={20} className="text-muted" />
        <p className="font-semibold text-read">Draw your first node</p>
        <p className="max-w-70 text-muted">
          A workflow is a chain of nodes. The first one gets what the caller sends, as{" "}
          <code className="font-mono text-table">event["payload"]</code>.
        </p>
        <Button look="primary" icon={Plus} onClick={onAsk}>
          Add a node
        </Button>
      </div>
    </div>
  );
}
