import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, must } from "@/api/client";
import { queries, type Template } from "@/api/queries";
import { useAct } from "@/design/act";
import { failed } from "@/design/toast";
import { kept } from "@/home/tour";

/** Makes a workflow of a template and opens its canvas; `busy` is the one that is being made. */
export function useTemplate(): { use: (template: Template) => Promise<void>; busy: string | null } {
  const cache = useQueryClient();
  const navigate = useNavigate();
  const { act, busy } = useAct(failed);
  const [taken, setTaken] = useState<string | null>(null);
  const use = (template: Template) =>
    act(async () => {
      setTaken(template.id);
      const { title: name, summary: description, ir, params } = template;
      // as a file, which brings its payload along: the trigger dialog and the curl line begin with it
      const payloadSchema = { examples: [params] };
      const made = await must(
        api.POST("/api/workflows/import", { body: { name, description, ir, payloadSchema } }),
      );
      kept.follow(made.id, cache.getQueryData(queries.workflows().queryKey));
      await cache.invalidateQueries({ queryKey: ["workflows"] });
      await navigate({ to: "/workflows/$id", params: { id: made.id } });
    });
  return { use, busy: busy ? taken : null };
}
