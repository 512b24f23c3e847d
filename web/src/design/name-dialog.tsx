import { useState } from "react";
import { useAct } from "./act";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { Field, Input } from "./field";
import { Problem } from "./problem";

type NameDialogProps = {
  title: string;
  description?: string;
  name?: string;
  placeholder?: string;
  onClose: () => void;
  onSave: (name: string) => Promise<void>;
};

/** Asks for a name alone, of something new or something that is there. */
export function NameDialog(props: NameDialogProps) {
  const { title, description, placeholder, onClose, onSave } = props;
  const [name, setName] = useState(props.name ?? "");
  const { act, busy, error } = useAct();
  const save = () =>
    act(async () => {
      await onSave(name.trim());
      onClose();
    });
  return (
    <Dialog open onClose={onClose} title={title} description={description}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <Field label="Name">
          {(ids) => (
            <Input
              {...ids}
              autoFocus
              value={name}
              maxLength={100}
              placeholder={placeholder}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        {error !== null && <Problem error={error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" busy={busy} disabled={!name.trim()}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
