import { type ReactNode, useState } from "react";
import { Button } from "@/design/button";
import { Field, Input } from "@/design/field";
import { Problem } from "@/design/problem";

/** Whether something is being saved, and why it could not be. */
export function useSaving(save: () => Promise<void>) {
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    setError(null);
    try {
      await save();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return { error, busy, run };
}

type SavingProps = {
  onSave: () => Promise<void>;
  onClose: () => void;
  error: unknown;
  busy: boolean;
  ready: boolean;
  children: ReactNode;
};

/** The form of a dialog, with its two buttons. */
export function Saving({ onSave, onClose, error, busy, ready, children }: SavingProps) {
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) void onSave();
      }}
    >
      {children}
      {error !== null && <Problem error={error} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" type="submit" busy={busy} disabled={!ready}>
          Save
        </Button>
      </div>
    </form>
  );
}

type NameProps = { value: string; onChange: (value: string) => void };

export function Name({ value, onChange }: NameProps) {
  return (
    <Field label="Name">
      {(ids) => (
        <Input
          {...ids}
          autoFocus
          value={value}
          maxLength={100}
          placeholder="Staging"
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}
