import { Plus, Trash2 } from "lucide-react";
import { useEffect, useState } from "react";
import { Button, IconButton } from "@/design/button";
import { Input } from "@/design/field";
import { same } from "./data";
import { ExpressionField } from "./expression-field";
import { Row } from "./row";

type Entry = { key: string; value: string };

type MapFieldProps = {
  path: string;
  title: string | null;
  help?: string;
  /** What one of them is called: `header`. */
  word?: string;
  value: unknown;
  onChange: (value: Record<string, string>, typed?: boolean) => void;
  /** Names that are offered. */
  known?: readonly string[];
};

/** Names with texts, as headers are. Half-written ones stay here until they have a name. */
export function MapField(props: MapFieldProps) {
  const { path, title, help, word = "entry", value, onChange, known = [] } = props;
  const [entries, setEntries] = useState(() => entriesOf(value));
  useEffect(() => {
    setEntries((now) => (same(mapOf(now), mapOf(entriesOf(value))) ? now : entriesOf(value)));
  }, [value]);
  const change = (next: Entry[], typed: boolean) => {
    setEntries(next);
    onChange(mapOf(next), typed);
  };
  const set = (index: number, fields: Partial<Entry>) =>
    change(
      entries.map((entry, at) => (at === index ? { ...entry, ...fields } : entry)),
      true,
    );
  const listId = `${path}-known`;
  return (
    <Row path={path} title={title} help={help} whole={false} group>
      {() => (
        <div className="flex flex-col gap-2">
          {known.length > 0 && (
            <datalist id={listId}>
              {known.map((name) => (
                <option key={name} value={name} />
              ))}
            </datalist>
          )}
          {entries.map((entry, index) => {
            const twice =
              entry.key !== "" && entries.some((one, at) => at < index && one.key === entry.key);
            return (
              <div
                // biome-ignore lint/suspicious/noArrayIndexKey: an entry is its place; its name is being typed
                key={index}
                className="flex flex-col gap-1 rounded-control border bg-ground p-1.5"
              >
                <div className="flex items-center gap-1">
                  <Input
                    aria-label={`Name of ${word} ${index + 1}`}
                    aria-invalid={twice || undefined}
                    list={known.length > 0 ? listId : undefined}
                    value={entry.key}
                    placeholder="Name"
                    spellCheck={false}
                    onChange={(event) => set(index, { key: event.target.value })}
                    className="h-7! font-mono text-table"
                  />
                  <IconButton
                    icon={Trash2}
                    label={`Remove ${entry.key || `this ${word}`}`}
                    size="small"
                    side="left"
                    onClick={() =>
                      change(
                        entries.filter((_, at) => at !== index),
                        false,
                      )
                    }
                  />
                </div>
                <ExpressionField
                  path={`${path}.${entry.key}`}
                  title={`Value of ${entry.key || `${word} ${index + 1}`}`}
                  placeholder="Value"
                  value={entry.value}
                  onChange={(text) => set(index, { value: text })}
                  bare
                />
                {twice && <p className="text-errored text-table">This name is there already.</p>}
              </div>
            );
          })}
          <Button
            look="ghost"
            icon={Plus}
            className="self-start px-2!"
            onClick={() => setEntries([...entries, { key: "", value: "" }])}
          >
            Add {word}
          </Button>
        </div>
      )}
    </Row>
  );
}

function entriesOf(value: unknown): Entry[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.entries(value).map(([key, text]) => ({
    key,
    value: typeof text === "string" ? text : JSON.stringify(text),
  }));
}

function mapOf(entries: readonly Entry[]): Record<string, string> {
  const named = entries.filter((entry) => entry.key.trim() !== "");
  return Object.fromEntries(named.map(({ key, value }) => [key.trim(), value]));
}
