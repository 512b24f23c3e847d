const APPLE = typeof navigator !== "undefined" && /Mac|iP(hone|ad)/.test(navigator.platform);

/** Keys as this machine names them: `Mod+K` is ⌘K here and Ctrl K there. */
export function spell(keys: string): string {
  const names: Record<string, string> = APPLE
    ? { Mod: "⌘", Shift: "⇧", Alt: "⌥", Backspace: "⌫", Enter: "↵" }
    : { Mod: "Ctrl", Enter: "↵" };
  return keys
    .split("+")
    .map((key) => names[key] ?? key)
    .join(APPLE ? "" : " ");
}

export function Keys({ keys }: { keys: string }) {
  return (
    <kbd className="rounded-[4px] border bg-sunken px-1 font-sans text-small text-muted whitespace-nowrap">
      {spell(keys)}
    </kbd>
  );
}
