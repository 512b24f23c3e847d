/** One command object feeds menu, shortcut and palette. A page offers its commands while it is there. */

import type { LucideIcon } from "lucide-react";
import { useEffect, useRef } from "react";
import { create } from "zustand";
import type { MenuItem } from "./menu";

export type Command = {
  id: string;
  title: string;
  /** Where it stands in the palette: `Go to`, `Canvas`, `Run` … */
  group: string;
  icon?: LucideIcon;
  /** As `Mod+K`, `Shift+A`, `G R` for one key after the other. */
  keys?: string;
  /** Other keys for the same, which need not be told. */
  alsoKeys?: string;
  /** Works while a text is edited, too; `everywhere` also over a dialog. */
  whileTyping?: boolean;
  everywhere?: boolean;
  disabled?: boolean;
  danger?: boolean;
  /** Other words it is found by. */
  words?: string;
  run: () => void;
};

type Offered = { lists: Map<symbol, Command[]>; paletteOpen: boolean };

export const useOffered = create<Offered>(() => ({ lists: new Map(), paletteOpen: false }));

export function openPalette(open = true): void {
  useOffered.setState({ paletteOpen: open });
}

/** Offers commands while the component is there. Those offered last win where keys are the same. */
export function useCommands(commands: Command[]): void {
  const key = useRef(Symbol("commands"));
  useEffect(() => {
    useOffered.setState((state) => ({ lists: new Map(state.lists).set(key.current, commands) }));
  });
  useEffect(() => {
    const mine = key.current;
    return () =>
      useOffered.setState((state) => {
        const lists = new Map(state.lists);
        lists.delete(mine);
        return { lists };
      });
  }, []);
}

export function allCommands(lists: Map<symbol, Command[]>): Command[] {
  return [...lists.values()].reverse().flat();
}

export function menuItem(command: Command): MenuItem {
  const { title: label, icon, keys, danger, disabled, run: onSelect } = command;
  return { label, icon, keys, danger, disabled, onSelect };
}

/** `Mod+Shift+K` of a key event; letters in capitals. */
function keysOf(event: KeyboardEvent): string {
  const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const named = key === " " ? "Space" : key;
  const symbol = event.key.length === 1 && !/[a-z0-9]/i.test(event.key);
  return [
    event.metaKey || event.ctrlKey ? "Mod" : "",
    event.altKey ? "Alt" : "",
    event.shiftKey && !symbol ? "Shift" : "",
    named,
  ]
    .filter(Boolean)
    .join("+");
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

const NEXT_KEY_WITHIN = 900;

/** Listens for the keys of all commands that are offered. Once, in the shell. */
export function useShortcuts(): void {
  useEffect(() => {
    let before = "";
    let at = 0;
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return;
      const typing = isTyping(event.target);
      const keys = keysOf(event);
      const pair = event.timeStamp - at < NEXT_KEY_WITHIN ? `${before} ${keys}` : "";
      before = keys;
      at = event.timeStamp;
      const modal = document.querySelector("[role=dialog],[role=alertdialog],[role=menu]");
      const usable = allCommands(useOffered.getState().lists).filter(
        (command) =>
          !command.disabled && (command.everywhere || (!modal && (!typing || command.whileTyping))),
      );
      // `G H` goes home even where `H` alone means something
      const found =
        usable.find((command) => pair !== "" && command.keys === pair) ??
        usable.find((command) => command.keys === keys || command.alsoKeys === keys);
      if (!found) return;
      event.preventDefault();
      before = "";
      found.run();
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
}
