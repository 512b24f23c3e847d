/** Server-sent events that survive a server's restart: they are asked for again, ever more slowly. */

import { useEffect, useRef, useState } from "react";
import { type ApiError, errorOf } from "./client";
import { doubt, pause } from "./presence";
import { projectHeaders } from "./project";

export type StreamState = "connecting" | "live" | "away" | "ended";

type Handlers = Record<string, (data: unknown) => void>;

const FIRST_DELAY = 250;
const LONGEST_DELAY = 5000;
/** The server sends a comment at least this often; silence beyond means that it is gone. */
const SILENCE = 45_000;

/** One event at a time from a body in the event stream format. */
export async function* events(
  body: ReadableStream<Uint8Array>,
  heard: () => void = () => {},
): AsyncGenerator<{ event: string; data: string }> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let event = "message";
  let data: string[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      rest += decoder.decode(value, { stream: true });
      const lines = rest.split(/\r\n|\n|\r/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "") {
          if (data.length > 0) yield { event, data: data.join("\n") };
          event = "message";
          data = [];
        } else if (line.startsWith("event:")) {
          event = line.slice(6).trim();
        } else if (line.startsWith("data:")) {
          data.push(line.slice(5).replace(/^ /, ""));
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

type Options = {
  handlers: Handlers;
  /** The event after which nothing follows. */
  last?: string;
  /** Called before what is known is told anew, on each connection. */
  onOpen?: () => void;
  onError?: (error: ApiError) => void;
  onState: (state: StreamState) => void;
};

/** Follows `url` until `last` came or the answer is a refusal; returns what stops it. */
function follow(url: string, options: Options): () => void {
  const stop = new AbortController();
  void run(url, options, stop.signal);
  return () => stop.abort();
}

async function run(url: string, options: Options, stopped: AbortSignal): Promise<void> {
  let delay = FIRST_DELAY;
  options.onState("connecting");
  while (!stopped.aborted) {
    const attempt = new AbortController();
    const abort = () => attempt.abort();
    stopped.addEventListener("abort", abort);
    let silence = setTimeout(abort, SILENCE);
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(abort, SILENCE);
    };
    try {
      const response = await fetch(url, { headers: projectHeaders(), signal: attempt.signal });
      if (!response.ok || !response.body) {
        const error = await errorOf(response);
        if (!error.passing) {
          options.onError?.(error);
          options.onState("ended");
          return;
        }
        throw error;
      }
      delay = FIRST_DELAY;
      options.onOpen?.();
      options.onState("live");
      for await (const { event, data } of events(response.body, heard)) {
        options.handlers[event]?.(JSON.parse(data));
        if (event === options.last) {
          options.onState("ended");
          return;
        }
      }
    } catch {
      // The connection failed or was cut: both are told by the state, and tried again.
    } finally {
      clearTimeout(silence);
      stopped.removeEventListener("abort", abort);
    }
    if (stopped.aborted) return;
    options.onState("away");
    await Promise.all([doubt(), pause(delay)]);
    delay = Math.min(LONGEST_DELAY, delay * 2);
  }
}

/** A tab that was not looked at for so long gives its connections back: browsers have few of them. */
const HIDDEN_FOR = 20_000;

/** How often the page was come to; 0 while nobody looks. */
function useLookedAt(): number {
  const [looked, setLooked] = useState(1);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const change = () => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(() => setLooked(0), HIDDEN_FOR);
      else setLooked((before) => before || 1);
    };
    const back = (event: PageTransitionEvent) => {
      if (event.persisted) setLooked((before) => before + 1);
    };
    change();
    document.addEventListener("visibilitychange", change);
    window.addEventListener("pageshow", back);
    return () => {
      clearTimeout(timer);
      window.removeEventListener("pageshow", back);
      document.removeEventListener("visibilitychange", change);
    };
  }, []);
  return looked;
}

/** Follows `url` while the component is there; null for nothing yet. Handlers may change freely. */
export function useStream(
  url: string | null,
  handlers: Handlers,
  { last, onOpen, onError }: Pick<Options, "last" | "onOpen" | "onError"> = {},
): StreamState {
  const [state, setState] = useState<StreamState>("connecting");
  const looked = useLookedAt();
  const current = useRef({ handlers, onOpen, onError });
  current.current = { handlers, onOpen, onError };
  useEffect(() => {
    if (!url || !looked) return;
    const relayed = new Proxy<Handlers>(
      {},
      { get: (_, name: string) => (data: unknown) => current.current.handlers[name]?.(data) },
    );
    const stop = follow(url, {
      handlers: relayed,
      last,
      onState: setState,
      onOpen: () => current.current.onOpen?.(),
      onError: (error) => current.current.onError?.(error),
    });
    // A page that was left is kept to come back to, with its connections, unless they are given up.
    window.addEventListener("pagehide", stop);
    return () => {
      window.removeEventListener("pagehide", stop);
      stop();
    };
  }, [url, last, looked]);
  return state;
}

type Told = AsyncGenerator<{ event: string; data: unknown }>;

/** A POST whose answer is a stream: each event until it ends. Throws ApiError on a refusal. */
export function posted(url: string, body: unknown, signal?: AbortSignal): Told {
  return told(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...projectHeaders() },
    body: JSON.stringify(body),
    signal,
  });
}

/** A stream that is read once, until it ends. Throws ApiError on a refusal. */
export function watched(url: string): Told {
  return told(url, { headers: projectHeaders() });
}

async function* told(url: string, init: RequestInit): Told {
  const response = await fetch(url, init);
  if (!response.ok || !response.body) throw await errorOf(response);
  for await (const { event, data } of events(response.body))
    yield { event, data: JSON.parse(data) };
}
