import { Command as Cmdk } from "cmdk";
import { Dialog } from "radix-ui";
import { allCommands, openPalette, useOffered } from "@/design/commands";
import { Keys } from "@/design/keys";

const GROUP =
  "[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:py-1 [&_[cmdk-group-heading]]:text-small [&_[cmdk-group-heading]]:text-muted";

/** Everything that can be done here, found by name. */
export function Palette() {
  const { lists, paletteOpen } = useOffered();
  const commands = allCommands(lists).filter((command) => !command.disabled);
  const groups = [...new Set(commands.map((command) => command.group))];
  return (
    <Dialog.Root open={paletteOpen} onOpenChange={openPalette}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-scrim animate-appear" />
        <Dialog.Content
          aria-describedby={undefined}
          className="fixed top-[12dvh] left-1/2 z-50 w-[calc(100vw-32px)] max-w-140 -translate-x-1/2 overflow-hidden rounded-panel border bg-raised shadow-float"
        >
          <Dialog.Title className="sr-only">Commands</Dialog.Title>
          <Cmdk label="Commands" loop>
            <Cmdk.Input
              placeholder="What do you want to do?"
              className="h-11 w-full border-b bg-transparent px-4 text-read outline-none placeholder:text-muted"
            />
            <Cmdk.List className="max-h-[50dvh] overflow-auto p-1">
              <Cmdk.Empty className="p-6 text-center text-muted">
                Nothing is called that.
              </Cmdk.Empty>
              {groups.map((group) => (
                <Cmdk.Group key={group} heading={group} className={GROUP}>
                  {commands
                    .filter((command) => command.group === group)
                    .map((command) => (
                      <Cmdk.Item
                        key={command.id}
                        value={`${command.title} ${command.id}`}
                        keywords={[command.group, command.words ?? ""]}
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
                    ))}
                </Cmdk.Group>
              ))}
            </Cmdk.List>
          </Cmdk>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
