import { useQuery } from "@tanstack/react-query";
import { Outlet, useNavigate } from "@tanstack/react-router";
import { Compass, Keyboard, Moon, Plus, Search, Sun } from "lucide-react";
import { useState } from "react";
import { ApiError } from "@/api/client";
import { queries } from "@/api/queries";
import {
  allCommands,
  type Command,
  openPalette,
  useCommands,
  useOffered,
  useShortcuts,
} from "@/design/commands";
import { Dialog } from "@/design/dialog";
import { Empty } from "@/design/empty";
import { Keys } from "@/design/keys";
import { setTheme, useTheme } from "@/design/theme";
import { useTitle } from "./page";
import { Palette } from "./palette";
import { ServerAway } from "./presence";
import { PLACES, Rail } from "./rail";

/** What is around every page once somebody has signed in. */
export function Shell() {
  useShortcuts();
  const [helping, setHelping] = useState(false);
  useShellCommands(() => setHelping(true));
  const { error } = useQuery(queries.me());
  return (
    <div className="flex h-dvh flex-col-reverse md:flex-row">
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:z-50 focus:rounded-control focus:bg-surface focus:px-3 focus:py-2"
      >
        To the content
      </a>
      <Rail />
      <main
        id="main"
        tabIndex={-1}
        className="relative min-h-0 min-w-0 flex-1 overflow-hidden bg-surface outline-none"
      >
        {isLost(error) ? <NoProject /> : <Outlet />}
      </main>
      <ServerAway />
      <Palette />
      <ShortcutHelp open={helping} onClose={() => setHelping(false)} />
    </div>
  );
}

/** Whether the address names a project that isn't there for who looks. */
function isLost(error: unknown): boolean {
  return error instanceof ApiError && error.code === "project.not_found";
}

function NoProject() {
  useTitle("Not found");
  return (
    <Empty
      icon={Compass}
      title="There is no such project here"
      action={
        <a href="/" className="font-medium text-accent hover:underline">
          Open your own
        </a>
      }
    >
      The address names one that you don’t see, or it was cut when it was copied.
    </Empty>
  );
}

function useShellCommands(help: () => void): void {
  const navigate = useNavigate();
  const { shown } = useTheme();
  useCommands([
    {
      id: "palette",
      title: "Search everything",
      group: "General",
      icon: Search,
      keys: "Mod+K",
      everywhere: true,
      run: () => openPalette(!useOffered.getState().paletteOpen),
    },
    {
      id: "theme",
      title: shown === "dark" ? "Light theme" : "Dark theme",
      group: "General",
      icon: shown === "dark" ? Sun : Moon,
      run: () => setTheme(shown === "dark" ? "light" : "dark"),
    },
    {
      id: "keys",
      title: "Keyboard shortcuts",
      group: "General",
      icon: Keyboard,
      keys: "?",
      run: help,
    },
    {
      id: "new-workflow",
      title: "New workflow",
      group: "General",
      icon: Plus,
      run: () => void navigate({ to: "/workflows", search: { new: true } }),
    },
    ...PLACES.map<Command>(({ to, label, icon, keys }) => ({
      id: `go-${label}`,
      title: label,
      group: "Go to",
      icon,
      keys,
      run: () => void navigate({ to }),
    })),
  ]);
}

function ShortcutHelp({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { lists } = useOffered();
  const commands = allCommands(lists).filter((command) => command.keys);
  const groups = [...new Set(commands.map((command) => command.group))];
  return (
    <Dialog open={open} onClose={onClose} title="Keyboard shortcuts" width={640}>
      <div className="columns-1 gap-8 sm:columns-2">
        {groups.map((group) => (
          <section key={group} className="mb-4 break-inside-avoid">
            <h3 className="mb-1 text-muted text-table">{group}</h3>
            {commands
              .filter((command) => command.group === group)
              .map((command) => (
                <div key={command.id} className="flex items-center justify-between gap-2 py-0.5">
                  <span>{command.title}</span>
                  <Keys keys={command.keys as string} />
                </div>
              ))}
          </section>
        ))}
      </div>
    </Dialog>
  );
}
