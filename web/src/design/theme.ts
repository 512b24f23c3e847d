import { useSyncExternalStore } from "react";

export type Theme = "light" | "dark" | "system";

const KEY = "awaitstep.theme";
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function chosen(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

function shown(): "light" | "dark" {
  const theme = chosen();
  return theme === "system" ? (dark.matches ? "dark" : "light") : theme;
}

function apply(): void {
  document.documentElement.dataset.theme = shown();
  for (const listener of listeners) listener();
}

/** Call once, before anything is drawn. */
export function startTheme(): void {
  dark.addEventListener("change", apply);
  apply();
}

export function setTheme(theme: Theme): void {
  localStorage.setItem(KEY, theme);
  apply();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** What was chosen, and what that means here and now. */
export function useTheme(): { chosen: Theme; shown: "light" | "dark" } {
  return {
    chosen: useSyncExternalStore(subscribe, chosen),
    shown: useSyncExternalStore(subscribe, shown),
  };
}
