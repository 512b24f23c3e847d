import { Link, type LinkProps } from "@tanstack/react-router";
import {
  Blocks,
  Cable,
  Home,
  KeyRound,
  ListTree,
  LogOut,
  type LucideIcon,
  Monitor,
  Moon,
  PanelLeft,
  Rocket,
  Search,
  Settings,
  Sun,
  Variable,
  Workflow,
} from "lucide-react";
import { useState } from "react";
import { IconButton } from "@/design/button";
import { openPalette } from "@/design/commands";
import { cx } from "@/design/cx";
import { Keys } from "@/design/keys";
import { Menu } from "@/design/menu";
import { setTheme, useTheme } from "@/design/theme";
import { Tooltip } from "@/design/tooltip";
import { ProjectSwitcher } from "./projects";
import { signOut, useMe } from "./session";

export type Place = { to: LinkProps["to"]; label: string; icon: LucideIcon; keys: string };

export const PLACES: Place[] = [
  { to: "/", label: "Home", icon: Home, keys: "G H" },
  { to: "/workflows", label: "Workflows", icon: Workflow, keys: "G W" },
  { to: "/runs", label: "Runs", icon: ListTree, keys: "G R" },
  { to: "/deployments", label: "Deployments", icon: Rocket, keys: "G D" },
  { to: "/templates", label: "Templates", icon: Blocks, keys: "G T" },
  { to: "/connections", label: "Connections", icon: Cable, keys: "G C" },
  { to: "/environment", label: "Environment", icon: Variable, keys: "G E" },
  { to: "/keys", label: "API keys", icon: KeyRound, keys: "G K" },
  { to: "/settings", label: "Settings", icon: Settings, keys: "G S" },
];

const WIDE = "awaitstep.rail";
const ENTRY =
  "flex h-8 items-center gap-2.5 rounded-control px-2 text-soft hover:bg-hover hover:text-ink data-[status=active]:bg-pressed data-[status=active]:text-ink data-[status=active]:font-medium";

/** The places of the dashboard: icons, or icons with their names. Below 768 px a bar at the bottom. */
export function Rail() {
  const [wide, setWide] = useState(() => localStorage.getItem(WIDE) === "yes");
  const toggle = () => {
    localStorage.setItem(WIDE, wide ? "no" : "yes");
    setWide(!wide);
  };
  return (
    <nav
      aria-label="Places"
      className={cx(
        "flex shrink-0 gap-0.5 border-line bg-ground max-md:strip max-md:h-12 max-md:w-full max-md:border-t max-md:px-1 max-md:items-center max-md:justify-between md:flex-col md:border-r md:p-2 transition-[width] duration-150",
        wide ? "md:w-55" : "md:w-13",
      )}
    >
      <div className="mb-1 flex items-center gap-2.5 px-1 max-md:hidden">
        <img src="/icon.svg" alt="" className="size-7" />
        {wide && <span className="flex-1 truncate font-semibold">AwaitStep</span>}
        {wide && <IconButton icon={PanelLeft} label="Narrow" size="small" onClick={toggle} />}
      </div>
      {!wide && (
        <div className="max-md:hidden">
          <IconButton
            icon={PanelLeft}
            label="Widen"
            side="right"
            onClick={toggle}
            className="w-full"
          />
        </div>
      )}
      <ProjectSwitcher wide={wide} className={ENTRY} />
      <Entry wide={wide} label="Search" keys="Mod+K">
        <button type="button" aria-label="Search" onClick={() => openPalette()} className={ENTRY}>
          <Search size={16} className="shrink-0" />
          {wide && <span className="flex-1 text-left max-md:hidden">Search</span>}
          {wide && (
            <span className="max-md:hidden">
              <Keys keys="Mod+K" />
            </span>
          )}
        </button>
      </Entry>
      {PLACES.map((place) => (
        <Entry key={place.label} wide={wide} label={place.label} keys={place.keys}>
          <Link
            to={place.to}
            aria-label={place.label}
            activeOptions={{ exact: place.to === "/" }}
            className={ENTRY}
          >
            <place.icon size={16} className="shrink-0" />
            {wide && <span className="truncate max-md:hidden">{place.label}</span>}
          </Link>
        </Entry>
      ))}
      <div className="md:mt-auto">
        <UserMenu wide={wide} />
      </div>
    </nav>
  );
}

type EntryProps = { wide: boolean; label: string; keys: string; children: React.ReactNode };

function Entry({ wide, label, keys, children }: EntryProps) {
  return wide ? (
    children
  ) : (
    <Tooltip text={label} keys={keys} side="right">
      {children}
    </Tooltip>
  );
}

function UserMenu({ wide }: { wide: boolean }) {
  const me = useMe();
  const { chosen } = useTheme();
  return (
    <Menu
      align="start"
      trigger={
        <button type="button" aria-label="You" className={cx(ENTRY, "w-full")}>
          <span className="flex size-5 shrink-0 items-center justify-center rounded-full bg-accent-soft font-semibold text-small text-accent">
            {(me?.user.name ?? "·").slice(0, 1).toUpperCase()}
          </span>
          {wide && <span className="truncate max-md:hidden">{me?.user.name}</span>}
        </button>
      }
      items={[
        {
          label: "Light",
          icon: Sun,
          disabled: chosen === "light",
          onSelect: () => setTheme("light"),
        },
        {
          label: "Dark",
          icon: Moon,
          disabled: chosen === "dark",
          onSelect: () => setTheme("dark"),
        },
        {
          label: "As the system",
          icon: Monitor,
          disabled: chosen === "system",
          onSelect: () => setTheme("system"),
        },
        "separator",
        { label: "Sign out", icon: LogOut, onSelect: () => void signOut() },
      ]}
    />
  );
}
