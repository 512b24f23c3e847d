import { Braces, ChevronRight } from "lucide-react";
import { Popover } from "radix-ui";
import { useMemo, useState } from "react";
import { IconButton } from "@/design/button";
import { cx } from "@/design/cx";
import { JsonTree } from "@/design/json-tree";
import { useForm } from "./context";
import { parsePath, type Reference } from "./expressions";
import { childrenOf, type Readable } from "./readables";

type InsertValueProps = {
  /** What is done with the value that was picked. */
  onPick: (reference: Reference) => void;
};

/** All values that can be read here: a click takes one, and it can be dragged to where it belongs. */
export function InsertValue({ onPick }: InsertValueProps) {
  const { readables } = useForm();
  const [open, setOpen] = useState(false);
  const [place, setPlace] = useState(BELOW);
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger asChild>
        <IconButton
          onClick={(event) => setPlace(besideFormOf(event.currentTarget))}
          icon={Braces}
          label="Insert a value"
          size="small"
          side="left"
        />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          side={place.side}
          align="start"
          sideOffset={place.offset}
          collisionPadding={12}
          aria-label="Values"
          onCloseAutoFocus={(event) => event.preventDefault()}
          className="z-50 flex max-h-[min(480px,var(--radix-popover-content-available-height))] w-80 max-w-[calc(100vw-24px)] flex-col rounded-panel border bg-surface shadow-float animate-appear"
        >
          <p className="border-b px-3 py-2 text-muted text-table">
            Click a value to use it here, or drag it into any field.
          </p>
          <ul className="min-h-0 flex-1 overflow-auto p-1">
            {readables.map((readable, index) => (
              <Root
                key={readable.name}
                readable={readable}
                open={index === 0}
                onPick={(path) => {
                  const reference = parsePath(path);
                  if (!reference) return;
                  setOpen(false);
                  onPick(reference);
                }}
              />
            ))}
          </ul>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

type Place = { side: "left" | "bottom"; offset: number };
const BELOW: Place = { side: "bottom", offset: 6 };
const WIDTH = 344;

/** Left of the form, where there is room, so that values can be dragged into its fields. */
function besideFormOf(button: Element): Place {
  const form = button.closest("aside")?.getBoundingClientRect();
  if (!form || form.left < WIDTH) return BELOW;
  return { side: "left", offset: button.getBoundingClientRect().left - form.left + 12 };
}

type RootProps = { readable: Readable; open: boolean; onPick: (path: string) => void };

function Root({ readable, open: first, onPick }: RootProps) {
  const [open, setOpen] = useState(first);
  const { name, title, known } = readable;
  const shape = useMemo(() => shapeOf(readable), [readable]);
  const some = known ? readable.value : shape;
  const hollow = typeof some !== "object" || some === null || Object.keys(some).length === 0;
  return (
    <li>
      <div className="flex items-center gap-1 rounded-control pr-2 hover:bg-hover">
        <button
          type="button"
          aria-expanded={open}
          aria-label={`${open ? "Fold" : "Unfold"} ${name}`}
          onClick={() => setOpen(!open)}
          className="flex size-6 shrink-0 items-center justify-center text-muted"
        >
          <ChevronRight size={12} className={cx("transition-transform", open && "rotate-90")} />
        </button>
        <button
          type="button"
          draggable
          onDragStart={(event) => event.dataTransfer.setData("text/plain", `{{${name}}}`)}
          onClick={() => onPick(name)}
          className="flex min-w-0 flex-1 items-baseline gap-2 py-1 text-left"
        >
          <span className="font-mono text-table">{name}</span>
          <span className="min-w-0 truncate text-muted text-table">{title}</span>
        </button>
      </div>
      {open && (
        <div className="max-h-60 overflow-auto pr-2 pb-1 pl-5">
          {known ? (
            hollow && name === "env" ? (
              <Nothing>No variables yet: the page Environment has them.</Nothing>
            ) : (
              <JsonTree value={readable.value} path={name} onPick={onPick} open={2} />
            )
          ) : (
            <>
              <Nothing>No value yet: run it once.</Nothing>
              {!hollow && <JsonTree value={shape} path={name} onPick={onPick} open={2} />}
            </>
          )}
        </div>
      )}
    </li>
  );
}

function Nothing({ children }: { children: string }) {
  return <p className="py-0.5 pl-4 text-muted text-table">{children}</p>;
}

/** The keys that a value will have, each with its type in the place of its value. */
function shapeOf(readable: Readable): Record<string, unknown> {
  const keys = childrenOf({ ...readable, known: false }, []);
  return Object.fromEntries(keys.map(({ key, detail }) => [String(key), detail || "any"]));
}
