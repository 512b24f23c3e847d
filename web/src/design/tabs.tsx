import { Tabs as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { cx } from "./cx";

export type Tab<T extends string> = {
  value: T;
  label: ReactNode;
  content: ReactNode;
  badge?: ReactNode;
};

type TabsProps<T extends string> = {
  label: string;
  value: T;
  onChange: (value: T) => void;
  tabs: Tab<T>[];
  aside?: ReactNode;
  className?: string;
};

/** Tabs inside a panel. Tabs of a page are links: see `app/page.tsx`. */
export function Tabs<T extends string>({
  label,
  value,
  onChange,
  tabs,
  aside,
  className,
}: TabsProps<T>) {
  return (
    <Radix.Root
      value={value}
      onValueChange={(next) => onChange(next as T)}
      className={cx("flex min-h-0 flex-col", className)}
    >
      <div className="flex items-center gap-2 border-b px-2">
        <Radix.List aria-label={label} className="flex min-w-0 flex-1 gap-1 overflow-x-auto">
          {tabs.map((tab) => (
            <Radix.Trigger
              key={tab.value}
              value={tab.value}
              className="-mb-px flex h-9 focus-visible:-outline-offset-2 items-center gap-1.5 border-b-2 border-transparent px-2 font-medium text-muted whitespace-nowrap hover:text-ink data-[state=active]:border-accent data-[state=active]:text-ink"
            >
              {tab.label}
              {tab.badge}
            </Radix.Trigger>
          ))}
        </Radix.List>
        {aside}
      </div>
      {tabs.map((tab) => (
        <Radix.Content
          key={tab.value}
          value={tab.value}
          className="min-h-0 flex-1 overflow-auto outline-none"
        >
          {tab.content}
        </Radix.Content>
      ))}
    </Radix.Root>
  );
}
