import { Toaster as Sonner, toast } from "sonner";
import { useTheme } from "./theme";

export function Toaster() {
  const { shown } = useTheme();
  return (
    <Sonner
      theme={shown}
      position="bottom-right"
      toastOptions={{
        style: {
          background: "var(--raised)",
          color: "var(--n-12)",
          borderColor: "var(--n-6)",
          borderRadius: 10,
          boxShadow: "var(--float)",
          fontFamily: "inherit",
          fontSize: 13,
        },
      }}
    />
  );
}

/** Something was done; `undo` takes it back, where that is possible. */
export function told(text: string, undo?: () => void): void {
  toast(text, undo && { action: { label: "Undo", onClick: undo } });
}

/** Something was not done. */
export function failed(error: unknown): void {
  toast.error(error instanceof Error ? error.message : String(error));
}
