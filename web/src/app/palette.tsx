import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Command as Cmdk, defaultFilter } from "cmdk";
import { Workflow } from "lucide-react";
import { Dialog } from "radix-ui";
import { useEffect, useState } from "react";
import { queries } from "@/api/queries";
import { allCommands, type Command, openPalette, useOffered } from "@/design/commands";
import { Keys } from "@/design/keys";
import { foundIn } from "@/workflows/search";

const GROUP =
  "[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:py-1 [&_[cmdk-group-heading]]:text-small [&_[cmdk-group-heading]]:text-muted";

/** So many workflows of those that a text finds. */
const SHOWN = 20;
const WORKFLOWS = "Workflows";

/** Everything that can be done here and every workflow, found by name. */
export function Palette() {
  const open = useOffered((state) => state.paletteOpen);
  return (
    <Dialog.Root open={open} onOpenChange={openPalette}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-scrim animate-appear" />
        <Dialog.Content
          aria-describedby={undefined}
          className="fixed top-[12dvh] left-1/2 z-50 w-[calc(100vw-32px)] max-w-140 -translate-x-1/2 overflow-hidden rounded-panel border bg-raised shadow-float"
        >
          <Dialog.Title className="sr-only">Commands</Dialog.Title>
          <Search />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Search() {
  const lists = useOffered((state) => state.lists);
  const [text, setText] = useState("");
  const workflows = useQuery(queries.workflows());
  const navigate = useNavigate();
  const found = foundIn(workflows.data ?? [], text)
    .slice(0, SHOWN)
    .map<Command>(({ id, name, workerName }) => ({
      id,
      title: name,
      group: WORKFLOWS,
      icon: Workflow,
      words: workerName ?? undefined,
      run: () => void navigate({ to: "/workflows/$id", params: { id } }),
    }));
  const commands = allCommands(lists).filter((command) => !command.disabled);
  const shown = ranked(commands, found, text.trim());
  const groups = [...new Set(shown.map((command) => command.group))];
  const best = shown[0] ? nameOf(shown[0]) : "";
  const [at, setAt] = useState(best);
  // workflows may come after what was typed
  useEffect(() => setAt(best), [best]);
  return (
    <Cmdk label="Commands" loop shouldFilter={false} value={at} onValueChange={setAt}>
      <Cmdk.Input
        value={text}
        onValueChange={setText}
        placeholder="What do you want to do? Or name a workflow"
        className="h-11 w-full border-b bg-transparent px-4 text-read outline-none placeholder:text-muted"
      />
      <Cmdk.List className="max-h-[50dvh] overflow-auto p-1">
        <Cmdk.Empty className="p-6 text-center text-muted">{nothing(workflows)}</Cmdk.Empty>
        {groups.map((group) => (
          <Cmdk.Group key={group} heading={group} className={GROUP}>
            {shown
              .filter((command) => command.group === group)
              .map((command) => (
                <Item key={command.id} command={command} />
              ))}
          </Cmdk.Group>
        ))}
      </Cmdk.List>
    </Cmdk>
  );
}

function nameOf({ title, id }: Command): string {
  return `${title} ${id}`;
}

/** The best first. Ids of workflows mean nothing, so they are not looked at letter by letter. */
function ranked(commands: Command[], workflows: Command[], text: string): Command[] {
  if (text === "") return commands;
  const score = (name: string, { group, words = "" }: Command) =>
    defaultFilter(name, text, [group, words]);
  return [
    ...commands.map((one) => ({ one, score: score(nameOf(one), one) })),
    ...workflows.map((one) => ({ one, score: Math.max(0.01, score(one.title, one)) })),
  ]
    .filter((found) => found.score > 0)
    .sort((a, b) => b.score - a.score)
    .map((found) => found.one);
}

function nothing({ isPending, isError }: { isPending: boolean; isError: boolean }): string {
  if (isPending) return "Looking through the workflows…";
  return isError
    ? "No command is called that, and the workflows can’t be read now."
    : "Nothing is called that.";
}

function Item({ command }: { command: Command }) {
  return (
    <Cmdk.Item
      value={nameOf(command)}
      onSelect={() => {
        openPalette(false);
        command.run();
      }}
      className="flex items-center gap-2 rounded-control px-2 py-1.5 data-[selected=true]:bg-hover"
    >
      {command.icon ? (
        <command.icon size={14} className="text-muted" />
      ) : (
        <span className="w-3.5" />
      )}
      <span className="flex-1 truncate">{command.title}</span>
      {command.keys && <Keys keys={command.keys} />}
    </Cmdk.Item>
  );
}
