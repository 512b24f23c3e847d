/** One run with its steps, followed as it goes on, over restarts of the server and of the run. */

import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import type { ApiError } from "@/api/client";
import { queries, type Run, type Step } from "@/api/queries";
import { type StreamState, useStream } from "@/api/stream";
import { ENDED } from "@/design/state";
import { runAddress } from "./curl";
import { runsAddress } from "./filter";
import { mergeSteps, stepKey } from "./history";

/** Steps that are told one after the other are drawn together, this often (milliseconds). */
const TOGETHER = 60;
/** With more steps than this, putting them together takes longer, and is done less often. */
const MANY = 2000;

export type FollowedRun = {
  run: Run | null;
  steps: readonly Step[];
  stream: StreamState;
  error: ApiError | null;
  /** It was deleted while it was looked at. */
  deleted: boolean;
  /** Somebody changed the run; what came of it. */
  changed: (run: Run) => void;
};

export function useRun(workflow: string, ref: string): FollowedRun {
  const cache = useQueryClient();
  const [run, setRun] = useState<Run | null>(
    () => cache.getQueryData<Run>(queries.run(workflow, ref).queryKey) ?? null,
  );
  const [steps, setSteps] = useState<readonly Step[]>([]);
  const [error, setError] = useState<ApiError | null>(null);
  const [deleted, setDeleted] = useState(false);
  // The stream of an incarnation tells nothing of what a restart dropped: each has its own.
  const [opened, setOpened] = useState(0);
  const known = useRef(0);
  known.current = steps.length;
  const epoch = useRef<number | null>(null);
  const heard = useRef(new Map<string, Step>());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  const show = useCallback(() => {
    clearTimeout(timer.current);
    timer.current = undefined;
    const told = [...heard.current.values()];
    heard.current.clear();
    setSteps((before) => mergeSteps(before, told));
  }, []);

  const take = (next: Run) => {
    const before = epoch.current;
    epoch.current = next.epoch;
    setRun(next);
    cache.setQueryData(queries.run(workflow, ref).queryKey, next);
    if (before !== null && before !== next.epoch) {
      heard.current.clear();
      setSteps([]);
      setOpened((count) => count + 1);
    }
  };

  const stream = useStream(
    `${runAddress(workflow, ref, "/stream")}#${opened}`,
    {
      run: (data) => take(data as Run),
      step: (data) => {
        const step = data as Step;
        heard.current.set(stepKey(step), step);
        timer.current ??= setTimeout(show, known.current > MANY ? 5 * TOGETHER : TOGETHER);
      },
      end: (data) => {
        show();
        take(data as Run);
      },
    },
    { last: "end", onError: setError },
  );

  // An ended run may be restarted or deleted by others; the workflow's list tells that.
  const over = run !== null && ENDED.has(run.status) && stream === "ended" && !deleted;
  useStream(over ? runsAddress(workflow, { text: run.id }, "/stream") : null, {
    run: (data) => {
      const next = data as Run;
      if (next.instanceId === run?.instanceId && next.epoch !== epoch.current) take(next);
    },
    gone: () => setDeleted(true),
  });

  // The stream may have told more by now than the answer to a verb, but not of a new incarnation.
  const changed = (next: Run) => {
    if (next.epoch !== epoch.current) take(next);
  };

  return { run, steps, stream, error, deleted, changed };
}
