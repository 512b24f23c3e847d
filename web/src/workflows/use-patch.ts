import { useQueryClient } from "@tanstack/react-query";
import { api, must, type Schemas } from "@/api/client";

/** Changes the workflow's own fields and reads it again. Throws ApiError. */
export function usePatch(id: string): (body: Schemas["PatchWorkflow"]) => Promise<void> {
  const cache = useQueryClient();
  return async (body) => {
    await must(api.PATCH("/api/workflows/{id}", { params: { path: { id } }, body }));
    await cache.invalidateQueries({ queryKey: ["workflows"] });
  };
}
