import { useAct } from "@/design/act";
import { Button } from "@/design/button";
import { Problem } from "@/design/problem";
import { told } from "@/design/toast";

type SaveBarProps = {
  changed: boolean;
  /** Why it can't be saved as it is; true where the fields say so themselves. */
  wrong?: string | boolean;
  onReset: () => void;
  onSave: () => Promise<void>;
};

/** Shown once something was changed: save it, or take it back. */
export function SaveBar({ changed, wrong, onReset, onSave }: SaveBarProps) {
  const { act, busy, error, clear } = useAct();
  if (!changed) return null;
  const save = () =>
    act(async () => {
      await onSave();
      told("Saved.");
    });
  return (
    <div className="mt-3 flex flex-col gap-2">
      {error !== null && <Problem error={error} />}
      <div className="flex items-center justify-end gap-2">
        {wrong && <span className="flex-1 text-errored text-table">{wrong}</span>}
        <Button
          onClick={() => {
            clear();
            onReset();
          }}
        >
          Reset
        </Button>
        <Button look="primary" busy={busy} disabled={Boolean(wrong)} onClick={() => void save()}>
          Save
        </Button>
      </div>
    </div>
  );
}
