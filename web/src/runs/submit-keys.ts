import { type KeyboardEvent, useRef } from "react";
import type { CodeEditorProps } from "@/design/code-mirror";

/** For the editor that a dialog is there for: what is typed goes there at once. */
export const focusAtEnd: NonNullable<CodeEditorProps["onView"]> = (view) => {
  view?.dispatch({ selection: { anchor: view.state.doc.length } });
  view?.focus();
};

/** Mod+Enter in any field of a form does what its main button does. */
export function useSubmitKeys(submit: () => void): (event: KeyboardEvent) => void {
  const latest = useRef(submit);
  latest.current = submit;
  return (event) => {
    if (event.key !== "Enter" || !(event.metaKey || event.ctrlKey)) return;
    event.preventDefault();
    event.stopPropagation();
    latest.current();
  };
}
