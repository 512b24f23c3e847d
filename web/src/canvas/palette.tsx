import { Search, X } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import type { NodeType } from "@/api/queries";
import { IconButton } from "@/design/button";
import { cx } from "@/design/cx";
import { FAMILIES, type Family, familyOf, iconOf } from "./families";

/** What a dragged type is called in a drag's data. */
export const DRAGGED = "application/x-awaitstep-node";

type PaletteProps = {
  types: NodeType[];
  /** Where the next node goes, in words: `After Load claim`. */
  place: string;
  onPick: (type: NodeType) => void;
  onClose: () => void;
};

/** The node types, by family: click one, drag it onto the canvas or an edge, or search and press Enter. */
export function Palette({ types, place, onPick, onClose }: PaletteProps) {
  const [query, setQuery] = useState("");
  const [active, setActive] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => input.current?.focus(), []);

  const found = useMemo(() => search(types, query), [types, query]);
  const ordered = found.flatMap((group) => group.types);

  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === "Escape") onClose();
    else if (event.key === "ArrowDown") setActive(Math.min(active + 1, ordered.length - 1));
    else if (event.key === "ArrowUp") setActive(Math.max(active - 1, 0));
    else if (event.key === "Enter" && ordered[active]) onPick(ordered[active]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  useEffect(() => {
    list.current?.querySelector(`[data-index="${active}"]`)?.scrollIntoView({ block: "nearest" });
  }, [active]);

  let index = -1;
  return (
    <section
      aria-label="Nodes"
      onKeyDown={onKeyDown}
      className="absolute top-3 bottom-3 left-3 z-20 flex w-64 flex-col overflow-hidden rounded-panel border bg-raised shadow-float animate-appear"
    >
      <div className="flex items-center gap-2 border-b px-2.5">
        <Search size={14} className="shrink-0 text-muted" />
        <input
          ref={input}
          role="combobox"
          aria-expanded
          aria-controls="palette-nodes"
          aria-label="Search nodes"
          aria-activedescendant={ordered[active] ? `palette-${ordered[active].type}` : undefined}
          value={query}
          onChange={(event) => {
            setQuery(event.target.value);
            setActive(0);
          }}
          placeholder="Search nodes"
          className="h-10 min-w-0 flex-1 bg-transparent outline-none placeholder:text-muted"
        />
        <IconButton icon={X} label="Close" size="small" onClick={onClose} />
      </div>
      <p className="border-b bg-ground px-3 py-1 text-muted text-small">{place}</p>
      <div
        ref={list}
        id="palette-nodes"
        role="listbox"
        aria-label="Node types"
        tabIndex={-1}
        className="min-h-0 flex-1 overflow-auto p-1.5"
      >
        {found.map(({ family, types: group }) => (
          // biome-ignore lint/a11y/useSemanticElements: a group of options is no fieldset
          <div key={family} role="group" aria-label={FAMILIES[family].title} className="mb-1.5">
            <p aria-hidden className="px-2 py-1 text-muted text-small">
              {FAMILIES[family].title}
            </p>
            {group.map((type) => {
              index++;
              const mine = index;
              const Icon = iconOf(type.type, type);
              return (
                <div
                  key={type.type}
                  id={`palette-${type.type}`}
                  data-index={mine}
                  role="option"
                  tabIndex={-1}
                  aria-selected={mine === active}
                  draggable
                  onDragStart={(event) => {
                    event.dataTransfer.setData(DRAGGED, type.type);
                    event.dataTransfer.effectAllowed = "move";
                  }}
                  onClick={() => onPick(type)}
                  onKeyDown={(event) => event.key === "Enter" && onPick(type)}
                  onMouseMove={() => setActive(mine)}
                  title={type.summary}
                  className={cx(
                    "flex cursor-grab items-center gap-2 rounded-control px-2 py-1",
                    mine === active && "bg-hover",
                  )}
                >
                  <span
                    className={cx(
                      "flex size-6 shrink-0 items-center justify-center rounded-control",
                      FAMILIES[family].tile,
                    )}
                  >
                    <Icon size={13} />
                  </span>
                  <span className="min-w-0">
                    <span className="block truncate">{type.title}</span>
                    <span className="block truncate text-muted text-small">{type.summary}</span>
                  </span>
                </div>
              );
            })}
          </div>
        ))}
        {ordered.length === 0 && (
          <p className="p-4 text-center text-muted">No node is called that.</p>
        )}
      </div>
    </section>
  );
}

type Group = { family: Family; types: NodeType[] };

function search(types: NodeType[], query: string): Group[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = types.filter((type) => {
    const text = `${type.title} ${type.type} ${type.summary}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  if (words[0]) {
    const first = words[0];
    const rank = (type: NodeType) => Number(!type.title.toLowerCase().startsWith(first));
    matching.sort((a, b) => rank(a) - rank(b));
  }
  return (Object.keys(FAMILIES) as Family[])
    .map((family) => ({ family, types: matching.filter((type) => familyOf(type.type) === family) }))
    .filter((group) => group.types.length > 0)
    .sort((a, b) =>
      words.length === 0
        ? 0
        : matching.indexOf(a.types[0] as NodeType) - matching.indexOf(b.types[0] as NodeType),
    );
}
