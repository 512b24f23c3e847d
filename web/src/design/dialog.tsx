import { X } from "lucide-react";
import { AlertDialog, Dialog as Radix } from "radix-ui";
import { createContext, type ReactNode, use, useCallback, useState } from "react";
import { Button, IconButton } from "./button";
import { cx } from "./cx";

const SCRIM = "fixed inset-0 z-40 bg-scrim animate-appear";
const PANEL =
  "fixed z-50 left-1/2 top-1/2 -translate-x-1/2 -translate-y-1/2 flex max-h-[calc(100dvh-32px)] w-[calc(100vw-32px)] flex-col rounded-panel border bg-raised shadow-float outline-none";

type DialogProps = {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  description?: ReactNode;
  width?: number;
  children: ReactNode;
  /** The buttons at the bottom, the main one last. */
  actions?: ReactNode;
};

/**
 * A dialog opens on what is marked with `data-autofocus`, else on itself, never on the button that
 * closes it, unless a field in it took the focus.
 */
function focusContent(event: Event): void {
  event.preventDefault();
  const content = event.currentTarget as HTMLElement;
  if (content.contains(document.activeElement)) return;
  (content.querySelector<HTMLElement>("[data-autofocus]") ?? content).focus();
}

export function Dialog({
  open,
  onClose,
  title,
  description,
  width = 520,
  children,
  actions,
}: DialogProps) {
  return (
    <Radix.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className={SCRIM} />
        <Radix.Content
          className={PANEL}
          style={{ maxWidth: width }}
          onOpenAutoFocus={focusContent}
          onInteractOutside={(event) => isCompletion(event.target) && event.preventDefault()}
          onEscapeKeyDown={(event) => completing() && event.preventDefault()}
          {...(description ? {} : { "aria-describedby": undefined })}
        >
          <header className="flex items-start gap-3 px-4 pt-4 pb-2">
            <div className="min-w-0 flex-1">
              <Radix.Title className="font-semibold text-read">{title}</Radix.Title>
              {description && (
                <Radix.Description className="mt-0.5 text-muted">{description}</Radix.Description>
              )}
            </div>
            <Radix.Close asChild>
              <IconButton icon={X} label="Close" size="small" />
            </Radix.Close>
          </header>
          <div className="min-h-0 flex-1 overflow-auto px-4 pt-1 pb-4">{children}</div>
          {actions && (
            <footer className="flex flex-wrap items-center justify-end gap-2 border-t px-4 py-3">
              {actions}
            </footer>
          )}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** What an editor in the dialog offers floats outside of it, and is closed first. */
function isCompletion(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(".cm-tooltip") !== null;
}

function completing(): boolean {
  return document.querySelector(".cm-tooltip-autocomplete") !== null;
}

export type Question = {
  title: string;
  /** What will be lost, and how much. */
  text: ReactNode;
  /** What the button that does it says. */
  action: string;
  harmless?: boolean;
};

type Ask = (question: Question) => Promise<boolean>;
const Asking = createContext<Ask>(async () => false);

/** Asks once before something that loses things; resolves to whether to go on. */
export function useConfirm(): Ask {
  return use(Asking);
}

export function ConfirmProvider({ children }: { children: ReactNode }) {
  const [open, setOpen] = useState<(Question & { answer: (yes: boolean) => void }) | null>(null);
  const ask = useCallback<Ask>(
    (question) => new Promise((answer) => setOpen({ ...question, answer })),
    [],
  );
  const close = (yes: boolean) => {
    open?.answer(yes);
    setOpen(null);
  };
  return (
    <Asking value={ask}>
      {children}
      <AlertDialog.Root open={open !== null} onOpenChange={(next) => !next && close(false)}>
        <AlertDialog.Portal>
          <AlertDialog.Overlay className={SCRIM} />
          <AlertDialog.Content className={cx(PANEL, "max-w-105 p-4")}>
            <AlertDialog.Title className="font-semibold text-read">{open?.title}</AlertDialog.Title>
            <AlertDialog.Description asChild>
              <div className="mt-1 text-soft">{open?.text}</div>
            </AlertDialog.Description>
            <div className="mt-4 flex justify-end gap-2">
              <Button onClick={() => close(false)}>Cancel</Button>
              <Button look={open?.harmless ? "primary" : "danger"} onClick={() => close(true)}>
                {open?.action}
              </Button>
            </div>
          </AlertDialog.Content>
        </AlertDialog.Portal>
      </AlertDialog.Root>
    </Asking>
  );
}
