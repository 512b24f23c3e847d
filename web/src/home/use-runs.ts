/** Runs of the whole project that Home looks at; a change anywhere is told by the server. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { api, must, type Schemas } from "@/api/client";
import type { Run } from "@/api/queries";
import { useStream } from "@/api/stream";

type Status = Schemas["RunShape"]["status"];

/** At most one question in this time, in milliseconds. */
const PACE = 1000;

function newest(name: string, status: Status | undefined, limit: number) {
  return {
    queryKey: ["runs", "home", name],
    queryFn: async (): Promise<Run[]> =>
      (
        await must(
          api.GET("/api/runs", { params: { query: { limit, status: status && [status] } } }),
        )
      ).data,
  };
}

export function useHomeRuns() {
  const cache = useQueryClient();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const again = () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      void cache.invalidateQueries({ queryKey: ["runs", "home"] });
      void cache.invalidateQueries({ queryKey: ["workflows"], exact: true });
    }, PACE);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  useStream("/api/runs/stream", { run: again, gone: again, many: again }, { onOpen: again });
  const recent = useQuery(newest("recent", undefined, 8));
  const errored = useQuery(newest("errored", "errored", 50));
  const waiting = useQuery(newest("waiting", "waiting", 100));
  return {
    recent: recent.data,
    errored: errored.data,
    waiting: waiting.data,
    error: recent.error ?? errored.error ?? waiting.error,
  };
}
