/** The REST API with types from its own OpenAPI document. Every failure is an `ApiError`. */

import createClient, { type Middleware } from "openapi-fetch";
import type { Explained } from "@/design/problem";
import { doubt } from "./presence";
import { projectHeaders } from "./project";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type Detail = Schemas["Detail"];

export class ApiError extends Error implements Explained {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: Detail[] = [],
    readonly requestId = "",
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** Whether trying again later may help: the server is away or busy. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 502;
  }
}

/** The error that an answer tells of. */
export async function errorOf(response: Response): Promise<ApiError> {
  if (response.status === 401) signedOut();
  const body: unknown = await response.json().catch(() => null);
  const told = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  return new ApiError(
    response.status,
    typeof told.code === "string" ? told.code : "server.error",
    typeof told.error === "string" ? told.error : `The server answered ${response.status}.`,
    Array.isArray(told.details) ? (told.details as Detail[]) : [],
    typeof told.requestId === "string" ? told.requestId : "",
  );
}

/** Called when the session is over; the shell shows the sign-in page. */
let signedOut: () => void = () => {};
export function onSignedOut(listener: () => void): void {
  signedOut = listener;
}

const refuse: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(projectHeaders())) request.headers.set(name, value);
  },
  async onResponse({ response }) {
    if (response.ok) return response;
    const error = await errorOf(response);
    if (error.status === 502 || error.status === 504) void doubt();
    throw error;
  },
  onError({ error }) {
    if (!(error instanceof Error && error.name === "AbortError")) void doubt();
    return new ApiError(0, "server.away", "The server can't be reached.");
  },
};

export const api = createClient<paths>({ baseUrl: "/" });
api.use(refuse);

/** The body of an answer: `await must(api.GET("/api/me"))`. */
export async function must<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T;
}

/** All pages of a list, one after the other, up to `most` entries. */
export async function allPages<T>(
  page: (cursor: string | undefined) => Promise<{ data: T[]; nextCursor: string | null }>,
  most = 1000,
): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | undefined;
  do {
    const next = await page(cursor);
    found.push(...next.data);
    cursor = next.nextCursor ?? undefined;
  } while (cursor && found.length < most);
  return found;
}
