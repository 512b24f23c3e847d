/** Deploys that go on, by workflow. They live beside the pages, so that a dialog can be closed and found again. */

import type { QueryClient } from "@tanstack/react-query";
import { create } from "zustand";
import { ApiError, api, must } from "@/api/client";
import { pause } from "@/api/presence";
import type { Deployment } from "@/api/queries";
import { posted, watched } from "@/api/stream";
import { failed, told as toast } from "@/design/toast";
import { begun, heard, type Result, stopped, type Told } from "./stages";

type Target = { versionId: string; number: number; connectionId?: string };

export type End =
  | { kind: "live"; url: string; deploymentId: string; cut: boolean }
  | { kind: "failed"; error: ApiError }
  /** The stream was cut, and the server says that something else is live, or nothing. */
  | { kind: "not-live"; live: Deployment | null };

export type Deploying = {
  target: Target;
  told: Told;
  /** The stream was cut: the server is being asked what is live. */
  asking: boolean;
  end: End | null;
};

type State = { of: Record<string, Deploying>; shown: string | null };

export const useDeploying = create<State>(() => ({ of: {}, shown: null }));

function update(workflow: string, change: (now: Deploying) => Partial<Deploying>): void {
  useDeploying.setState(({ of }) => {
    const now = of[workflow];
    return now ? { of: { ...of, [workflow]: { ...now, ...change(now) } } } : {};
  });
}

/** Forgets how the last one ended, so that the next can be begun. */
export function forget(workflow: string): void {
  useDeploying.setState(({ of }) => {
    const { [workflow]: ended, ...rest } = of;
    return ended?.end ? { of: rest } : {};
  });
}

type Asked = {
  workflow: string;
  name: string;
  target: Target;
  packages: boolean;
  /** What was live before: the same deployment is not ours. */
  before: string | null;
  cache: QueryClient;
};

/** Deploys, whoever watches. What it comes to stands in the store, and in a toast when nobody did. */
export async function deploy(asked: Asked): Promise<void> {
  const { workflow, target } = asked;
  if (useDeploying.getState().of[workflow]?.end === null) return;
  const body = { versionId: target.versionId, connectionId: target.connectionId ?? null };
  const { cache: _, ...kept } = asked;
  sessionStorage.setItem(keptAt(workflow), JSON.stringify(kept));
  await watch(asked, () => posted(streamOf(workflow), body));
}

/** A deploy that this tab began and that was not told to its end, as the page was loaded anew. */
export function takeUp(workflow: string, cache: QueryClient): boolean {
  const kept = sessionStorage.getItem(keptAt(workflow));
  if (kept === null || useDeploying.getState().of[workflow]) return false;
  const asked: Asked = { ...(JSON.parse(kept) as Omit<Asked, "cache">), cache };
  void watch(asked, () => watched(streamOf(workflow)));
  return true;
}

const keptAt = (workflow: string) => `awaitstep.deploying.${workflow}`;
const streamOf = (workflow: string) =>
  `/api/workflows/${encodeURIComponent(workflow)}/deploy-stream`;

type Open = () => ReturnType<typeof watched>;

async function watch(asked: Asked, open: Open): Promise<void> {
  const { workflow, name, target, packages, cache } = asked;
  useDeploying.setState(({ of }) => ({
    of: { ...of, [workflow]: { target, told: begun(packages), asking: false, end: null } },
  }));
  const end = await outcome(asked, open);
  sessionStorage.removeItem(keptAt(workflow));
  update(workflow, ({ told }) => ({
    end,
    asking: false,
    told: end.kind === "live" ? heard(told, "result", null) : stopped(told),
  }));
  if (useDeploying.getState().shown !== workflow) {
    if (end.kind === "live") toast(`${name} is live with version ${target.number}.`);
    else if (end.kind === "failed") failed(new Error(`${name}: ${end.error.message}`));
    else failed(new Error(`${name}: the deploy of version ${target.number} did not finish.`));
  }
  await Promise.all([
    cache.invalidateQueries({ queryKey: ["workflows"] }),
    cache.invalidateQueries({ queryKey: ["deployments"] }),
  ]);
}

async function outcome(asked: Asked, open: Open): Promise<End> {
  const { workflow } = asked;
  try {
    for await (const { event, data } of open()) {
      if (event === "result") {
        const { url: address, deploymentId } = data as Result;
        return { kind: "live", url: address, deploymentId, cut: false };
      }
      if (event === "error") return { kind: "failed", error: asError(data) };
      update(workflow, ({ told }) => ({ told: heard(told, event, data) }));
    }
  } catch (error) {
    if (error instanceof ApiError && !error.passing) return { kind: "failed", error };
  }
  // The stream ended without saying how: only the server can tell.
  update(workflow, () => ({ asking: true }));
  return await whatIsLive(asked);
}

function asError(data: unknown): ApiError {
  const told = (typeof data === "object" && data !== null ? data : {}) as Record<string, unknown>;
  return new ApiError(
    200,
    typeof told.code === "string" ? told.code : "server.error",
    typeof told.error === "string" ? told.error : "The deploy failed.",
    Array.isArray(told.details) ? told.details : [],
    typeof told.requestId === "string" ? told.requestId : "",
  );
}

const ASK_AGAIN_AFTER = 1000;
/** What was under way when the stream was cut may still become live for so many questions. */
const QUESTIONS = 4;

async function whatIsLive({ workflow, target, before }: Asked): Promise<End> {
  const params = { path: { id: workflow } };
  for (let answers = 0; ; ) {
    try {
      const { deployment } = await must(api.GET("/api/workflows/{id}/full", { params }));
      const ours = deployment?.versionId === target.versionId && deployment.id !== before;
      if (ours && deployment.status === "active") {
        return { kind: "live", url: deployment.url, deploymentId: deployment.id, cut: true };
      }
      if (++answers >= QUESTIONS) return { kind: "not-live", live: deployment };
    } catch (error) {
      if (error instanceof ApiError && !error.passing) return { kind: "failed", error };
    }
    await pause(ASK_AGAIN_AFTER);
  }
}
