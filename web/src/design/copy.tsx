import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { Button, IconButton } from "./button";
import { cx } from "./cx";
import { shorten } from "./format";
import { Tooltip } from "./tooltip";

function useCopy(text: string | (() => string)): [boolean, () => Promise<void>] {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(typeof text === "function" ? text() : text);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return [done, copy];
}

type CopyProps = { text: string | (() => string); label?: string; size?: "small" | "normal" };

export function CopyButton({ text, label = "Copy", size = "small" }: CopyProps) {
  const [done, copy] = useCopy(text);
  return (
    <IconButton
      icon={done ? Check : Copy}
      label={done ? "Copied" : label}
      size={size}
      onClick={copy}
    />
  );
}

/** A button with words, for `Copy as curl` and the like. */
export function CopyTextButton({ text, label }: { text: string | (() => string); label: string }) {
  const [done, copy] = useCopy(text);
  return (
    <Button look="ghost" icon={done ? Check : Copy} onClick={copy}>
      {done ? "Copied" : label}
    </Button>
  );
}

/** An id with its middle left out; a click copies the whole. */
export function Id({ id, className }: { id: string; className?: string }) {
  const [done, copy] = useCopy(id);
  return (
    <Tooltip text={done ? "Copied" : id}>
      <button
        type="button"
        onClick={(event) => {
          event.stopPropagation();
          event.preventDefault();
          void copy();
        }}
        aria-label={`Copy ${shorten(id)}`}
        className={cx("rounded-[4px] font-mono text-table text-soft hover:text-ink", className)}
      >
        {shorten(id)}
      </button>
    </Tooltip>
  );
}

/** One line of shell, with a button that copies it. */
export function Command({ text }: { text: string }) {
  return (
    <div className="flex items-start gap-2 rounded-control border bg-sunken p-2">
      <pre className="min-w-0 flex-1 overflow-x-auto font-mono text-table whitespace-pre-wrap break-all">
        {text}
      </pre>
      <CopyButton text={text} />
    </div>
  );
}
