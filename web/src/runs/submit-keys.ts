import { type KeyboardEvent, useRef } from "react";

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
