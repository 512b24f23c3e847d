/** A list of runs out of the API: its pages, and what its stream tells. */

import { type RefObject, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { ApiError, api, must } from "@/api/client";
import type { Run } from "@/api/queries";
import { type StreamState, useStream } from "@/api/stream";
import type { RunFilter } from "@/app/router";
import { EMPTY, type Feed, gone, keyOf, paged, reread, settle, told } from "./feed";
import { queryOf, type RunQuery, runsAddress } from "./filter";

const PAGE = 50;
/** A page of the largest size; so many of them are read again at most after a break. */
const LARGE_PAGE = 100;
const MOST_PAGES = 10;
/** What the stream tells is shown together, this often (milliseconds). */
const TOGETHER = 100;
const RETRY_AFTER = 2000;
/** Nobody tells that a place elsewhere can be asked again: what is stale is read anew this often. */
const STALE_FOR = 15_000;

type Page = { data: Run[]; nextCursor: string | null; away: string[] };

function readPage(workflow: string | undefined, query: RunQuery): Promise<Page> {
  return workflow
    ? must(api.GET("/api/workflows/{id}/runs", { params: { path: { id: workflow }, query } }))
    : must(api.GET("/api/runs", { params: { query } }));
}

function asError(cause: unknown): ApiError {
  return cause instanceof ApiError ? cause : new ApiError(0, "client.error", String(cause));
}

export type Runs = {
  feed: Feed;
  query: RunQuery;
  /** Nothing was read yet. */
  loading: boolean;
  /** The next page is being read. */
  paging: boolean;
  error: ApiError | null;
  /** Some runs may be old or missing: where they are can't be asked now. */
  away: boolean;
  stream: StreamState;
  more: () => void;
  /** Call it when the list may move, or may not any more. */
  setSettled: (settled: boolean) => void;
  settleNow: () => void;
};

export function useRuns(filter: RunFilter, workflow?: string): Runs {
  const { status, trigger, since, version, deployment, q } = filter;
  const query = useMemo(
    () => queryOf({ status, trigger, since, version, deployment, q }, new Date()),
    [status, trigger, since, version, deployment, q],
  );
  const [feed, setFeed] = useState<Feed>(EMPTY);
  const [loading, setLoading] = useState(true);
  const [paging, setPaging] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  // some runs may be missing, as where they are can't be asked
  const [away, setAway] = useState(false);
  const settled = useRef(true);
  const current = useRef({ feed, query });
  current.current = { feed, query };

  // What is told while a page is read may be newer than the page: it waits until that is there.
  const reading = useRef(0);
  const retry = useRef<ReturnType<typeof setTimeout>>(undefined);
  const again = useRef(() => {});
  const whileReading = useCallback(async (read: () => Promise<void>) => {
    reading.current++;
    try {
      await read();
    } catch (cause) {
      if (!(cause instanceof ApiError) || !cause.passing) setError(asError(cause));
      else retry.current = setTimeout(() => again.current(), RETRY_AFTER);
    } finally {
      reading.current--;
    }
  }, []);

  const readAgain = useCallback(async () => {
    const asked = current.current.query;
    const shown = current.current.feed.rows.length;
    const found: Run[] = [];
    let cursor: string | undefined;
    let pages = 0;
    let missing = false;
    do {
      const limit = shown > PAGE ? LARGE_PAGE : PAGE;
      const page = await readPage(workflow, { ...asked, limit, cursor });
      found.push(...page.data);
      cursor = page.nextCursor ?? undefined;
      pages++;
      missing ||= page.away.length > 0;
    } while (cursor && found.length < shown && pages < MOST_PAGES);
    if (current.current.query !== asked) return;
    setFeed((before) => reread(before, found, cursor ?? null, settled.current));
    setAway(missing);
    setLoading(false);
  }, [workflow]);

  again.current = () => void whileReading(readAgain);
  useEffect(() => () => clearTimeout(retry.current), []);

  const stale = away || feed.rows.some((run) => run.stale);
  useEffect(() => {
    if (!stale) return;
    const timer = setInterval(() => again.current(), STALE_FOR);
    return () => clearInterval(timer);
  }, [stale]);

  const busy = useRef(false);
  const more = useCallback(async () => {
    const { feed: shown, query: asked } = current.current;
    if (busy.current || shown.cursor === null) return;
    busy.current = true;
    setPaging(true);
    await whileReading(async () => {
      const page = await readPage(workflow, { ...asked, limit: LARGE_PAGE, cursor: shown.cursor });
      if (current.current.query === asked) {
        setFeed((before) => paged(before, page.data, page.nextCursor));
      }
    });
    busy.current = false;
    setPaging(false);
  }, [workflow, whileReading]);

  // Another filter is another list; what was read for the one before is not shown for it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the query is what changes it
  useEffect(() => {
    setFeed(EMPTY);
    setLoading(true);
    setError(null);
    settled.current = true;
  }, [query, workflow]);

  const news = useNews(reading, (runs, lost) =>
    setFeed((before) => gone(told(before, runs, settled.current), lost, settled.current)),
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was heard belongs to the query
  useEffect(() => () => news.clear(), [query, workflow, news]);
  const stream = useStream(
    runsAddress(workflow, query, "/stream"),
    {
      run: (data) => news.run(data as Run),
      gone: (data) => news.gone(data as Pick<Run, "workflowId" | "instanceId">),
      many: () => void whileReading(readAgain),
    },
    {
      onOpen: () => {
        news.clear();
        void whileReading(readAgain);
      },
      onError: setError,
    },
  );

  return {
    feed,
    query,
    loading,
    paging,
    error,
    away,
    stream,
    more: () => void more(),
    setSettled: useCallback((next: boolean) => {
      if (next && !settled.current) setFeed(settle);
      settled.current = next;
    }, []),
    settleNow: useCallback(() => setFeed(settle), []),
  };
}

/** Gathers what a stream tells, so that many changes cost one drawing. */
function useNews(reading: RefObject<number>, show: (runs: Run[], lost: string[]) => void) {
  const latest = useRef(show);
  latest.current = show;
  const heard = useRef(new Map<string, Run | null>());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return useMemo(() => {
    const later = () => {
      timer.current ??= setTimeout(() => {
        timer.current = undefined;
        if (reading.current > 0) return later();
        const all = [...heard.current];
        heard.current.clear();
        const lost = all.filter(([, run]) => run === null).map(([key]) => key);
        latest.current(
          all.flatMap(([, run]) => run ?? []),
          lost,
        );
      }, TOGETHER);
    };
    return {
      run: (run: Run) => {
        heard.current.set(keyOf(run), run);
        later();
      },
      gone: (run: Pick<Run, "workflowId" | "instanceId">) => {
        heard.current.set(keyOf(run), null);
        later();
      },
      clear: () => heard.current.clear(),
    };
  }, [reading]);
}
