import { Check, ChevronDown } from "lucide-react";
import { Checkbox as RadixCheckbox, Select as RadixSelect, Switch as RadixSwitch } from "radix-ui";
import { type ComponentProps, type ReactNode, useId } from "react";
import { cx } from "./cx";

const BOX =
  "w-full rounded-control border border-line-strong bg-surface px-2 text-ink placeholder:text-muted transition-colors duration-150 hover:border-faint aria-invalid:border-errored disabled:opacity-60";

type FieldProps = {
  label: ReactNode;
  hint?: ReactNode;
  error?: ReactNode;
  /** Beside the label, at the right. */
  aside?: ReactNode;
  children: (ids: { id: string; "aria-describedby"?: string; "aria-invalid"?: true }) => ReactNode;
  className?: string;
};

/** A label, a control, and below it what helps or what is wrong. */
export function Field({ label, hint, error, aside, children, className }: FieldProps) {
  const id = useId();
  const note = error || hint ? `${id}-note` : undefined;
  return (
    <div className={cx("flex flex-col gap-1", className)}>
      <div className="flex items-center justify-between gap-2">
        <label htmlFor={id} className="font-medium text-soft text-table">
          {label}
        </label>
        {aside}
      </div>
      {children({ id, "aria-describedby": note, "aria-invalid": error ? true : undefined })}
      {(error || hint) && (
        <p id={note} className={cx("text-table", error ? "text-errored" : "text-muted")}>
          {error || hint}
        </p>
      )}
    </div>
  );
}

export function Input({ className, ...rest }: ComponentProps<"input">) {
  return <input {...rest} className={cx(BOX, "h-8", className)} />;
}

export function Textarea({ className, ...rest }: ComponentProps<"textarea">) {
  return <textarea {...rest} className={cx(BOX, "min-h-16 py-1.5", className)} />;
}

type Choice<T extends string = string> = { value: T; label: ReactNode; hint?: ReactNode };

type SelectProps<T extends string> = {
  id?: string;
  label?: string;
  value: T;
  choices: Choice<T>[];
  onChange: (value: T) => void;
  placeholder?: string;
  disabled?: boolean;
  className?: string;
};

export function Select<T extends string>({
  id,
  label,
  value,
  choices,
  onChange,
  placeholder,
  disabled,
  className,
}: SelectProps<T>) {
  return (
    <RadixSelect.Root
      value={value}
      onValueChange={(next) => onChange(next as T)}
      disabled={disabled}
    >
      <RadixSelect.Trigger
        id={id}
        aria-label={label}
        className={cx(BOX, "flex h-8 items-center justify-between gap-2 text-left", className)}
      >
        <span className="truncate">
          <RadixSelect.Value placeholder={placeholder} />
        </span>
        <ChevronDown size={14} className="shrink-0 text-muted" />
      </RadixSelect.Trigger>
      <RadixSelect.Portal>
        <RadixSelect.Content
          position="popper"
          sideOffset={4}
          className="z-50 max-h-80 min-w-(--radix-select-trigger-width) overflow-auto rounded-control border bg-raised p-1 shadow-float animate-appear"
        >
          <RadixSelect.Viewport>
            {choices.map((choice) => (
              <RadixSelect.Item
                key={choice.value}
                value={choice.value}
                className="flex items-center gap-2 rounded-[4px] py-1 pr-2 pl-6 relative outline-none data-highlighted:bg-hover"
              >
                <RadixSelect.ItemIndicator className="absolute left-1.5">
                  <Check size={12} />
                </RadixSelect.ItemIndicator>
                <RadixSelect.ItemText>{choice.label}</RadixSelect.ItemText>
                {choice.hint && <span className="text-muted text-table">{choice.hint}</span>}
              </RadixSelect.Item>
            ))}
          </RadixSelect.Viewport>
        </RadixSelect.Content>
      </RadixSelect.Portal>
    </RadixSelect.Root>
  );
}

type SwitchProps = {
  id?: string;
  label?: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
  disabled?: boolean;
};

export function Switch({ id, label, checked, onChange, disabled }: SwitchProps) {
  return (
    <RadixSwitch.Root
      id={id}
      aria-label={label}
      checked={checked}
      onCheckedChange={onChange}
      disabled={disabled}
      className="h-5 w-9 shrink-0 rounded-full border border-line-strong bg-pressed p-px transition-colors duration-150 data-[state=checked]:border-transparent data-[state=checked]:bg-accent"
    >
      <RadixSwitch.Thumb className="block size-4 rounded-full border border-line-strong bg-surface transition-transform duration-150 data-[state=checked]:translate-x-4 data-[state=checked]:border-transparent" />
    </RadixSwitch.Root>
  );
}

type CheckboxProps = {
  id?: string;
  label?: string;
  checked: boolean | "indeterminate";
  onChange: (checked: boolean) => void;
  disabled?: boolean;
};

export function Checkbox({ id, label, checked, onChange, disabled }: CheckboxProps) {
  return (
    <RadixCheckbox.Root
      id={id}
      aria-label={label}
      checked={checked}
      onCheckedChange={(next) => onChange(next === true)}
      disabled={disabled}
      className="flex size-4 shrink-0 items-center justify-center rounded-[4px] border border-line-strong bg-surface data-[state=checked]:border-transparent data-[state=checked]:bg-accent data-[state=checked]:text-on-accent"
    >
      <RadixCheckbox.Indicator>
        <Check size={12} strokeWidth={3} />
      </RadixCheckbox.Indicator>
    </RadixCheckbox.Root>
  );
}
