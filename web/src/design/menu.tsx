import type { LucideIcon } from "lucide-react";
import { DropdownMenu as Radix, ContextMenu as RadixContext } from "radix-ui";
import type { ReactNode } from "react";
import { cx } from "./cx";
import { Keys } from "./keys";

export type MenuItem =
  | "separator"
  | {
      label: string;
      /** Where two may have the same label. */
      id?: string;
      icon?: LucideIcon;
      keys?: string;
      danger?: boolean;
      disabled?: boolean;
      onSelect: () => void;
    };

const CONTENT =
  "z-50 min-w-44 max-w-80 max-h-[80dvh] overflow-x-hidden overflow-y-auto rounded-control border bg-raised p-1 shadow-float animate-appear";
const ITEM =
  "flex items-center gap-2 rounded-[4px] px-2 py-1 outline-none data-highlighted:bg-hover data-disabled:opacity-45";

type Parts = { Item: typeof Radix.Item; Separator: typeof Radix.Separator };

function items(list: MenuItem[], { Item, Separator }: Parts) {
  return list.map((item, index) =>
    item === "separator" ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: separators have no other identity
      <Separator key={index} className="-mx-1 my-1 h-px bg-line" />
    ) : (
      <Item
        key={item.id ?? item.label}
        disabled={item.disabled}
        onSelect={item.onSelect}
        className={cx(ITEM, item.danger && "text-errored")}
      >
        {item.icon ? (
          <item.icon size={14} className="shrink-0 opacity-80" />
        ) : (
          <span className="w-3.5" />
        )}
        <span className="min-w-0 flex-1 truncate">{item.label}</span>
        {item.keys && <Keys keys={item.keys} />}
      </Item>
    ),
  );
}

type MenuProps = { trigger: ReactNode; items: MenuItem[]; align?: "start" | "end" };

export function Menu({ trigger, items: list, align = "end" }: MenuProps) {
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content align={align} sideOffset={4} collisionPadding={8} className={CONTENT}>
          {items(list, Radix)}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export function ContextMenu({ items: list, children }: { items: MenuItem[]; children: ReactNode }) {
  return (
    <RadixContext.Root modal={false}>
      <RadixContext.Trigger asChild>{children}</RadixContext.Trigger>
      <RadixContext.Portal>
        <RadixContext.Content collisionPadding={8} className={CONTENT}>
          {items(list, RadixContext)}
        </RadixContext.Content>
      </RadixContext.Portal>
    </RadixContext.Root>
  );
}
