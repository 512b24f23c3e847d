import { RadioGroup } from "radix-ui";
import type { ReactNode } from "react";
import { cx } from "@/design/cx";

type SegmentsProps<T extends string> = {
  label: string;
  value: T;
  choices: readonly { value: T; label: ReactNode }[];
  onChange: (value: T) => void;
  className?: string;
};

/** One of a few short choices, all of them in sight. */
export function Segments<T extends string>(props: SegmentsProps<T>) {
  const { label, value, choices, onChange, className } = props;
  return (
    <RadioGroup.Root
      aria-label={label}
      value={value}
      onValueChange={(next) => onChange(next as T)}
      className={cx("flex rounded-control bg-sunken p-0.5", className)}
    >
      {choices.map((choice) => (
        <RadioGroup.Item
          key={choice.value}
          value={choice.value}
          className="h-7 min-w-0 flex-1 truncate rounded-[4px] border border-transparent px-2 font-medium text-muted text-table transition-colors duration-150 hover:text-ink data-[state=checked]:border-line-strong data-[state=checked]:bg-surface data-[state=checked]:text-ink"
        >
          {choice.label}
        </RadioGroup.Item>
      ))}
    </RadioGroup.Root>
  );
}
