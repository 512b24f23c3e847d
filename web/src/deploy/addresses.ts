/** Worker URLs: for people's browsers, and as lines for a shell. */

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
  const payload = JSON.stringify(exampleOf(payloadSchema));
  return `curl -X POST ${quoted(url)} -H 'Content-Type: application/json' -d ${quoted(payload)}`;
}

/** A value of the shape that a JSON Schema asks for; `{}` where it says too little. */
export function exampleOf(schema: unknown, depth = 0): unknown {
  if (typeof schema !== "object" || schema === null || depth > 6) return {};
  const told = schema as Record<string, unknown>;
  const [first] = Array.isArray(told.examples) ? told.examples : [];
  if (first !== undefined) return first;
  if ("default" in told) return told.default;
  if ("const" in told) return told.const;
  if (Array.isArray(told.enum) && told.enum.length > 0) return told.enum[0];
  switch (Array.isArray(told.type) ? told.type[0] : told.type) {
    case "string":
      return "text";
    case "integer":
    case "number":
      return typeof told.minimum === "number" ? told.minimum : 1;
    case "boolean":
      return true;
    case "array":
      return told.items ? [exampleOf(told.items, depth + 1)] : [];
    case "null":
      return null;
    default: {
      const fields = told.properties;
      if (typeof fields !== "object" || fields === null) return {};
      return Object.fromEntries(
        Object.entries(fields).map(([name, inner]) => [name, exampleOf(inner, depth + 1)]),
      );
    }
  }
}
