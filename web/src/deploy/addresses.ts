/** Worker URLs: for people's browsers, and as lines for a shell. */

import { exampleOf } from "@/runs/payload";

/**
 * Where a browser is sent: `http://hello-q1oc55.localhost:8787/`. On a loopback address all workers
 * would share the dashboard's cookies; under names of their own they don't.
 */
export function browserUrl(url: string): string {
  try {
    const { protocol, hostname, port, pathname } = new URL(url);
    const loopback = hostname === "127.0.0.1" || hostname === "localhost" || hostname === "[::1]";
    const [worker, ...rest] = pathname.split("/").filter(Boolean);
    if (!loopback || !worker) return url;
    return `${protocol}//${worker}.localhost${port ? `:${port}` : ""}/${rest.join("/")}`;
  } catch {
    return url;
  }
}

/** A text as one word of a POSIX shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The line that calls a worker, with a payload like the one it asks for. */
export function curlOf(url: string, payloadSchema?: Record<string, unknown> | null): string {
  const payload = JSON.stringify(payloadSchema ? exampleOf(payloadSchema) : {});
  return `curl -X POST ${quoted(url)} -H 'Content-Type: application/json' -d ${quoted(payload)}`;
}
