import { useEffect } from "react";
import { useEditorStore } from "@/editor/store";
import { asText, copy } from "@/graph/clipboard";
import { deleteSelected, pasteText } from "./acts";

/** Copy, cut and paste of the browser itself, while no text is edited. */
export function useClipboard(middle: () => { x: number; y: number }): void {
  const store = useEditorStore();
  useEffect(() => {
    const onText = (event: Event) =>
      event.target instanceof HTMLElement &&
      (event.target.isContentEditable || /^(INPUT|TEXTAREA)$/.test(event.target.tagName));
    const take = (event: ClipboardEvent) => {
      const { graph, selected } = store.getState();
      const piece = copy(graph, selected);
      if (onText(event) || piece.nodes.length === 0 || window.getSelection()?.toString()) return;
      event.clipboardData?.setData("text/plain", asText(piece));
      event.preventDefault();
      if (event.type === "cut") deleteSelected(store);
    };
    const put = (event: ClipboardEvent) => {
      const text = event.clipboardData?.getData("text/plain");
      if (onText(event) || !text) return;
      event.preventDefault();
      pasteText(store, text, middle());
    };
    document.addEventListener("copy", take);
    document.addEventListener("cut", take);
    document.addEventListener("paste", put);
    return () => {
      document.removeEventListener("copy", take);
      document.removeEventListener("cut", take);
      document.removeEventListener("paste", put);
    };
  }, [store, middle]);
}
