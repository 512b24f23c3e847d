import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { api, must } from "@/api/client";
import type { FullWorkflow } from "@/api/queries";
import { failed } from "@/design/toast";

/** The name, edited in place. */
export function WorkflowName({ workflow }: { workflow: FullWorkflow }) {
  const cache = useQueryClient();
  const [name, setName] = useState(workflow.name);
  const before = useRef(workflow.name);
  useEffect(() => {
    setName(workflow.name);
    before.current = workflow.name;
  }, [workflow.name]);
  const save = async () => {
    const next = name.trim();
    if (!next || next === before.current) return setName(before.current);
    try {
      await must(
        api.PATCH("/api/workflows/{id}", {
          params: { path: { id: workflow.id } },
          body: { name: next },
        }),
      );
      await cache.invalidateQueries({ queryKey: ["workflows"] });
    } catch (error) {
      setName(before.current);
      failed(error);
    }
  };
  return (
    <input
      aria-label="Name of the workflow"
      value={name}
      maxLength={256}
      onChange={(event) => setName(event.target.value)}
      onBlur={() => void save()}
      onKeyDown={(event) => {
        if (event.key === "Enter") event.currentTarget.blur();
        if (event.key === "Escape") {
          // what leaving saves is the name as it is by then
          flushSync(() => setName(before.current));
          event.currentTarget.blur();
        }
      }}
      className="h-7 min-w-16 max-w-70 rounded-control border border-transparent bg-transparent px-1.5 font-semibold text-ellipsis hover:border-line-strong field-sizing-content"
    />
  );
}
