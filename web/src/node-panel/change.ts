/** How a form changes its node: one step of the history for each act. */

import { useCallback } from "react";
import { useEditorStore } from "@/editor/store";
import { written } from "@/forms/data";
import type { FormField } from "@/forms/schema";
import { setData } from "@/graph/edits";
import type { GraphNode } from "@/graph/model";

export type Change = {
  field: (field: FormField, value: unknown, typed?: boolean) => void;
  /** Several fields at once; undefined takes one out. */
  data: (label: string, fields: Record<string, unknown>, merge?: string) => void;
};

export function useChange(node: GraphNode): Change {
  const store = useEditorStore();
  const { id } = node;
  const data = useCallback<Change["data"]>(
    (label, fields, merge) =>
      store.getState().edit(label, (graph) => setData(graph, id, fields), merge),
    [store, id],
  );
  const field = useCallback<Change["field"]>(
    (one, value, typed = false) =>
      data(
        `Edit ${one.title.toLowerCase()}`,
        { [one.name]: written(one, value) },
        typed ? `data ${id} ${one.name}` : "",
      ),
    [data, id],
  );
  return { field, data };
}

export type FormPartProps = {
  node: GraphNode;
  fields: readonly FormField[];
  change: Change;
};

/** A field by its name, where the type has it. */
export function fieldNamed(fields: readonly FormField[], name: string): FormField | undefined {
  return fields.find((field) => field.name === name);
}
