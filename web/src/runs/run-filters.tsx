import { Search, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { Version } from "@/api/queries";
import type { RunFilter } from "@/app/router";
import { Button } from "@/design/button";
import { useCommands } from "@/design/commands";
import { cx } from "@/design/cx";
import { Dialog } from "@/design/dialog";
import { Field, Input, Select } from "@/design/field";
import { shorten } from "@/design/format";
import { STATES, StateIcon } from "@/design/state";
import { isFiltered, SINCE, STATUSES, spanOf, statusesOf, TRIGGERS, toggled } from "./filter";

type RunFiltersProps = {
  filter: RunFilter;
  onChange: (change: RunFilter) => void;
  versions?: Version[];
};

const ANY = "any";
const CUSTOM = "custom";
const SEARCH_AFTER = 250;

/** What the list is narrowed down by; all of it stands in the address. */
export function RunFilters({ filter, onChange, versions }: RunFiltersProps) {
  return (
    <>
      <StatusChips filter={filter} onChange={onChange} />
      <div className="flex flex-wrap items-center gap-2 max-md:w-full">
        <TextSearch text={filter.q ?? ""} onChange={(q) => onChange({ q: q || undefined })} />
        <Select
          label="Trigger"
          className="w-33! max-md:w-0! max-md:grow"
          value={filter.trigger ?? ANY}
          onChange={(trigger) => onChange({ trigger: trigger === ANY ? undefined : trigger })}
          choices={[
            { value: ANY, label: "Any trigger" },
            ...Object.entries(TRIGGERS).map(([value, label]) => ({ value, label })),
          ]}
        />
        <Since since={filter.since} onChange={(since) => onChange({ since })} />
        {versions && versions.length > 0 && (
          <Select
            label="Version"
            className="w-32! max-md:w-0! max-md:grow"
            value={filter.version ?? ANY}
            onChange={(version) => onChange({ version: version === ANY ? undefined : version })}
            choices={[
              { value: ANY, label: "Any version" },
              ...versions.map((version) => ({
                value: version.id,
                label: `Version ${version.version}`,
                hint: version.note ?? undefined,
              })),
            ]}
          />
        )}
        {filter.deployment && (
          <Button icon={X} onClick={() => onChange({ deployment: undefined })}>
            Deployment {shorten(filter.deployment)}
          </Button>
        )}
        {isFiltered(filter) && (
          <Button look="ghost" onClick={() => onChange(NOTHING)}>
            Clear
          </Button>
        )}
      </div>
    </>
  );
}

export const NOTHING: RunFilter = {
  status: undefined,
  trigger: undefined,
  since: undefined,
  version: undefined,
  deployment: undefined,
  q: undefined,
};

function StatusChips({ filter, onChange }: Omit<RunFiltersProps, "versions">) {
  const chosen = new Set(statusesOf(filter));
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset does not scroll sideways
    <div
      role="group"
      aria-label="State"
      className="flex min-w-0 gap-1 overflow-x-auto p-0.5 max-md:w-full"
    >
      {STATUSES.map((status) => (
        <button
          key={status}
          type="button"
          aria-pressed={chosen.has(status)}
          onClick={() => onChange({ status: toggled(filter, status) })}
          className={cx(
            "inline-flex h-7 shrink-0 items-center gap-1.5 rounded-full border px-2.5 text-table transition-colors duration-150",
            chosen.has(status)
              ? "border-accent bg-accent-soft text-ink"
              : "border-line bg-surface text-soft hover:border-line-strong hover:bg-hover",
          )}
        >
          <StateIcon state={status} size={13} still />
          {STATES[status].word}
        </button>
      ))}
    </div>
  );
}

function TextSearch({ text, onChange }: { text: string; onChange: (text: string) => void }) {
  const [value, setValue] = useState(text);
  const input = useRef<HTMLInputElement>(null);
  const said = useRef(text);
  const latest = useRef(onChange);
  latest.current = onChange;
  // The address may change by other ways: back, forward, another link.
  useEffect(() => {
    if (text !== said.current) setValue(text);
    said.current = text;
  }, [text]);
  useEffect(() => {
    if (value === said.current) return;
    const timer = setTimeout(() => {
      said.current = value;
      latest.current(value);
    }, SEARCH_AFTER);
    return () => clearTimeout(timer);
  }, [value]);
  useCommands([
    {
      id: "runs-search",
      title: "Search runs",
      group: "Runs",
      icon: Search,
      keys: "/",
      run: () => input.current?.focus(),
    },
  ]);
  return (
    <div className="relative w-56 max-md:w-full">
      <Search
        size={14}
        className="pointer-events-none absolute top-1/2 left-2 -translate-y-1/2 text-muted"
      />
      <Input
        ref={input}
        type="search"
        aria-label="Search in ids, params, output and errors"
        placeholder="Id, params, output, error"
        maxLength={200}
        value={value}
        onChange={(event) => setValue(event.target.value)}
        className="pl-7"
      />
    </div>
  );
}

type SinceProps = { since: string | undefined; onChange: (since: string | undefined) => void };

function Since({ since, onChange }: SinceProps) {
  const [asking, setAsking] = useState(false);
  const named = since === undefined || since in SINCE;
  return (
    <>
      <Select
        label="Time"
        className="w-34! max-md:w-0! max-md:grow"
        value={since === undefined ? ANY : named ? since : CUSTOM}
        onChange={(value) => {
          if (value === CUSTOM) setAsking(true);
          else onChange(value === ANY ? undefined : value);
        }}
        choices={[
          { value: ANY, label: "Any time" },
          ...Object.entries(SINCE).map(([value, { label }]) => ({ value, label })),
          { value: CUSTOM, label: "From … to …" },
        ]}
      />
      {!named && (
        <Button look="ghost" onClick={() => setAsking(true)} className="font-mono text-table">
          {spanText(since)}
        </Button>
      )}
      {asking && (
        <SpanDialog
          since={named ? undefined : since}
          onClose={() => setAsking(false)}
          onChange={(next) => {
            setAsking(false);
            onChange(next);
          }}
        />
      )}
    </>
  );
}

function spanText(since: string | undefined): string {
  const { from, to } = spanOf(since, new Date());
  const short = (iso: string) =>
    new Date(iso).toLocaleString("en-GB", { dateStyle: "short", timeStyle: "short" });
  return `${from ? short(from) : "…"} – ${to ? short(to) : "…"}`;
}

/** As a `datetime-local` field has it: in the reader's zone, without one. */
function local(iso: string | undefined): string {
  if (!iso) return "";
  const date = new Date(iso);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

type SpanDialogProps = SinceProps & { onClose: () => void };

function SpanDialog({ since, onChange, onClose }: SpanDialogProps) {
  const now = spanOf(since, new Date());
  const [from, setFrom] = useState(local(now.from));
  const [to, setTo] = useState(local(now.to));
  const iso = (text: string) => (text ? new Date(text).toISOString() : "");
  const wrong = from !== "" && to !== "" && from >= to;
  return (
    <Dialog
      open
      onClose={onClose}
      width={360}
      title="Runs created between"
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            look="primary"
            disabled={wrong}
            onClick={() => onChange(from || to ? `${iso(from)}~${iso(to)}` : undefined)}
          >
            Show
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <Field label="From">
          {(ids) => (
            <Input
              {...ids}
              type="datetime-local"
              value={from}
              onChange={(event) => setFrom(event.target.value)}
            />
          )}
        </Field>
        <Field label="To" error={wrong ? "This is before the other." : undefined}>
          {(ids) => (
            <Input
              {...ids}
              type="datetime-local"
              value={to}
              onChange={(event) => setTo(event.target.value)}
            />
          )}
        </Field>
      </div>
    </Dialog>
  );
}
