import { ChevronRight } from "lucide-react";
import { memo, type ReactNode, useState } from "react";
import { CopyButton } from "./copy";
import { cx } from "./cx";
import { bytes } from "./format";

/** So many entries, or characters of a text, are shown before the rest is asked for. */
const PIECE = 100;
const TEXT_PIECE = 600;

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The path of a value below another: `a.b[0]`, `a["x y"]`. */
export function below(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`;
  if (IDENTIFIER.test(key)) return path ? `${path}.${key}` : key;
  return `${path}[${JSON.stringify(key)}]`;
}

type JsonTreeProps = {
  value: unknown;
  /** What stands before the first key in a copied path. */
  path?: string;
  /** Called with a path instead of copying it, where a value can be taken into an expression. */
  onPick?: (path: string) => void;
  /** Levels that are open from the start. */
  open?: number;
};

/** JSON that folds, copies a path and shows what is large by pieces. */
export const JsonTree = memo(function JsonTree({
  value,
  path = "",
  onPick,
  open = 2,
}: JsonTreeProps) {
  return (
    <div className="group/tree relative font-mono text-table">
      <Value value={value} path={path} depth={0} open={open} onPick={onPick} />
      <div className="absolute top-0 right-0 opacity-0 transition-opacity group-hover/tree:opacity-100 focus-within:opacity-100">
        <CopyButton text={() => JSON.stringify(value, null, 2) ?? "null"} label="Copy as JSON" />
      </div>
    </div>
  );
});

type ValueProps = {
  value: unknown;
  path: string;
  depth: number;
  open: number;
  name?: ReactNode;
  onPick?: (path: string) => void;
};

function Value({ value, path, depth, open, name, onPick }: ValueProps) {
  if (value !== null && typeof value === "object") {
    return <Branch value={value} {...{ path, depth, open, name, onPick }} />;
  }
  return (
    <div className="flex gap-1.5 py-px pl-4">
      {name}
      <Leaf value={value} />
    </div>
  );
}

function Leaf({ value }: { value: unknown }) {
  const [whole, setWhole] = useState(false);
  if (typeof value === "string") {
    const cut = !whole && value.length > TEXT_PIECE;
    return (
      <span className="min-w-0 break-words whitespace-pre-wrap text-complete">
        {JSON.stringify(cut ? value.slice(0, TEXT_PIECE) : value)}
        {cut && (
          <button
            type="button"
            className="ml-1 text-accent hover:underline"
            onClick={() => setWhole(true)}
          >
            … {bytes(value.length - TEXT_PIECE)} more
          </button>
        )}
      </span>
    );
  }
  if (typeof value === "number") return <span className="text-running">{String(value)}</span>;
  return <span className="text-paused">{String(value ?? null)}</span>;
}

function Branch({ value, path, depth, open, name, onPick }: ValueProps & { value: object }) {
  const [unfolded, setUnfolded] = useState(depth < open);
  const [shown, setShown] = useState(PIECE);
  const list = Array.isArray(value);
  const keys: (string | number)[] = list ? value.map((_, index) => index) : Object.keys(value);
  const [left, right] = list ? ["[", "]"] : ["{", "}"];
  if (keys.length === 0) {
    return (
      <div className="flex gap-1.5 py-px pl-4">
        {name}
        <span className="text-muted">{left + right}</span>
      </div>
    );
  }
  return (
    <div>
      <div className="flex gap-1.5 py-px">
        <button
          type="button"
          aria-expanded={unfolded}
          aria-label={unfolded ? "Fold" : "Unfold"}
          onClick={() => setUnfolded(!unfolded)}
          className="-mr-1 flex w-4 items-center justify-center text-muted hover:text-ink"
        >
          <ChevronRight size={12} className={cx("transition-transform", unfolded && "rotate-90")} />
        </button>
        {name}
        <button type="button" className="text-muted" onClick={() => setUnfolded(!unfolded)}>
          {unfolded ? left : `${left} ${keys.length} ${right}`}
        </button>
      </div>
      {unfolded && (
        <div className="ml-1.5 border-l pl-2">
          {keys.slice(0, shown).map((key) => {
            const inner = below(path, key);
            return (
              <Value
                key={key}
                value={(value as Record<string | number, unknown>)[key]}
                path={inner}
                depth={depth + 1}
                open={open}
                onPick={onPick}
                name={<Key name={key} path={inner} onPick={onPick} />}
              />
            );
          })}
          {keys.length > shown && (
            <button
              type="button"
              className="pl-4 text-accent hover:underline"
              onClick={() => setShown(shown + PIECE)}
            >
              {Math.min(PIECE, keys.length - shown)} more of {keys.length - shown}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

type KeyProps = { name: string | number; path: string; onPick?: (path: string) => void };

function Key({ name, path, onPick }: KeyProps) {
  const act = onPick ?? ((text: string) => void navigator.clipboard.writeText(text));
  return (
    <button
      type="button"
      title={onPick ? `Use ${path}` : `Copy the path ${path}`}
      draggable={Boolean(onPick)}
      onDragStart={(event) => event.dataTransfer.setData("text/plain", `{{${path}}}`)}
      onClick={() => act(path)}
      className="shrink-0 text-soft hover:text-accent hover:underline"
    >
      {name}:
    </button>
  );
}
