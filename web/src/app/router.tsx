/** All addresses of the dashboard. What a page shows, tab and selected step included, stands in its address. */

import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  type RouteComponent,
  retainSearchParams,
} from "@tanstack/react-router";
import { PROJECT } from "@/api/project";
import { arrive } from "@/design/late";
import { Broken, NotFound } from "./broken";
import { Shell } from "./shell";

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== ""
    ? value
    : typeof value === "number"
      ? String(value)
      : undefined;

/** A page, fetched when it is first opened. */
function page<T extends Record<K, RouteComponent>, K extends string>(
  load: () => Promise<T>,
  name: K & keyof T,
) {
  return lazyRouteComponent(() => arrive(load, name), name);
}

const root = createRootRoute({
  validateSearch: (search): { project?: string } => ({ project: text(search[PROJECT]) }),
  search: { middlewares: [retainSearchParams([PROJECT])] },
  component: Outlet,
  notFoundComponent: NotFound,
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  component: page(() => import("./sign-in"), "SignIn"),
});

const shell = createRoute({ getParentRoute: () => root, id: "shell", component: Shell });

const home = createRoute({
  getParentRoute: () => shell,
  path: "/",
  component: page(() => import("@/home/home"), "Home"),
});

const workflows = createRoute({
  getParentRoute: () => shell,
  path: "/workflows",
  validateSearch: (search): { q?: string; new?: true } => ({
    q: text(search.q),
    new: search.new ? true : undefined,
  }),
  component: page(() => import("@/workflows/workflow-list"), "WorkflowList"),
});

const templates = createRoute({
  getParentRoute: () => shell,
  path: "/templates",
  component: page(() => import("@/templates/templates"), "Templates"),
});

/** What a list of runs is filtered by; all of it stands in the address. */
export type RunFilter = {
  status?: string;
  trigger?: string;
  since?: string;
  version?: string;
  deployment?: string;
  q?: string;
};

function runFilter(search: Record<string, unknown>): RunFilter {
  return {
    status: text(search.status),
    trigger: text(search.trigger),
    since: text(search.since),
    version: text(search.version),
    deployment: text(search.deployment),
    q: text(search.q),
  };
}

const runs = createRoute({
  getParentRoute: () => shell,
  path: "/runs",
  validateSearch: runFilter,
  component: page(() => import("@/runs/all-runs"), "AllRuns"),
});

const deployments = createRoute({
  getParentRoute: () => shell,
  path: "/deployments",
  validateSearch: (search): { show?: "all" } => ({
    show: search.show === "all" ? "all" : undefined,
  }),
  component: page(() => import("@/deployments/all-deployments"), "AllDeployments"),
});

const connections = createRoute({
  getParentRoute: () => shell,
  path: "/connections",
  component: page(() => import("@/connections/connections"), "Connections"),
});

const environment = createRoute({
  getParentRoute: () => shell,
  path: "/environment",
  component: page(() => import("@/environment/environment"), "Environment"),
});

const keys = createRoute({
  getParentRoute: () => shell,
  path: "/keys",
  component: page(() => import("@/keys/keys"), "ApiKeys"),
});

const settings = createRoute({
  getParentRoute: () => shell,
  path: "/settings",
  component: page(() => import("@/settings/settings"), "Settings"),
});

const workflow = createRoute({
  getParentRoute: () => shell,
  path: "/workflows/$id",
  component: page(() => import("@/workflows/workflow"), "WorkflowPage"),
});

export type Panel = "entry" | "packages" | "code" | "graph";
const PANELS = new Set(["entry", "packages", "code", "graph"]);

const canvas = createRoute({
  getParentRoute: () => workflow,
  path: "/",
  validateSearch: (search): { node?: string; panel?: Panel } => ({
    node: text(search.node),
    panel: PANELS.has(search.panel as string) ? (search.panel as Panel) : undefined,
  }),
  component: page(() => import("@/canvas/canvas-tab"), "CanvasTab"),
});

const workflowRuns = createRoute({
  getParentRoute: () => workflow,
  path: "/runs",
  validateSearch: (search): RunFilter & { trigger_dialog?: true } => ({
    ...runFilter(search),
    trigger_dialog: search.trigger_dialog ? true : undefined,
  }),
  component: page(() => import("@/runs/workflow-runs"), "WorkflowRuns"),
});

export type RunView = "timeline" | "canvas" | "events";

const run = createRoute({
  getParentRoute: () => workflow,
  path: "/runs/$run",
  validateSearch: (search): { step?: string; view?: RunView; tab?: string } => ({
    step: text(search.step),
    view: search.view === "canvas" || search.view === "events" ? search.view : undefined,
    tab: text(search.tab),
  }),
  component: page(() => import("@/runs/run-page"), "RunPage"),
});

const workflowDeployments = createRoute({
  getParentRoute: () => workflow,
  path: "/deployments",
  component: page(() => import("@/deployments/workflow-deployments"), "WorkflowDeployments"),
});

const workflowVersions = createRoute({
  getParentRoute: () => workflow,
  path: "/versions",
  validateSearch: (search): { version?: string; against?: string; show?: "code" } => ({
    version: text(search.version),
    against: text(search.against),
    show: search.show === "code" ? "code" : undefined,
  }),
  component: page(() => import("@/versions/versions"), "Versions"),
});

const workflowSettings = createRoute({
  getParentRoute: () => workflow,
  path: "/settings",
  component: page(() => import("@/workflows/workflow-settings"), "WorkflowSettings"),
});

/** What is no page: said beside the rail, from where one goes on. */
const nowhere = createRoute({ getParentRoute: () => shell, path: "$", component: NotFound });

const tree = root.addChildren([
  signIn,
  shell.addChildren([
    home,
    workflows,
    templates,
    runs,
    deployments,
    connections,
    environment,
    keys,
    settings,
    nowhere,
    workflow.addChildren([
      canvas,
      workflowRuns,
      run,
      workflowDeployments,
      workflowVersions,
      workflowSettings,
    ]),
  ]),
]);

export const router = createRouter({
  routeTree: tree,
  defaultPreload: "intent",
  defaultErrorComponent: Broken,
  defaultNotFoundComponent: NotFound,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
