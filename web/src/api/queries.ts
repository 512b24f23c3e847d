/** What pages ask the server for, each with the key it is cached under. */

import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { allPages, api, must, type Schemas } from "./client";

export type Workflow = Schemas["WorkflowShape"];
export type HandlerFailure = Schemas["HandlerFailureShape"];
export type ListedWorkflow = Schemas["ListedWorkflowShape"];
export type FullWorkflow = Schemas["FullWorkflowShape"];
export type Version = Schemas["VersionSummary"];
export type NodeType = Schemas["NodeTypeShape"];
export type Run = Schemas["RunShape"];
export type Step = Schemas["StepShape"];
export type Attempt = Schemas["AttemptShape"];
export type LogEntry = Schemas["EntryShape"];
export type RunError = Schemas["ErrorShape"];
export type Deployment = Schemas["DeploymentShape"];
export type Connection = Schemas["ConnectionShape"];
export type ConnectionType = Schemas["ConnectionTypeShape"];
export type Variable = Schemas["VariableShape"];
export type Template = Schemas["TemplateShape"];
export type Project = Schemas["ProjectShape"];
export type ApiKey = Schemas["KeyShape"];

export const queries = {
  me: () =>
    queryOptions({
      queryKey: ["me"],
      queryFn: () => must(api.GET("/api/me")),
      staleTime: Number.POSITIVE_INFINITY,
      retry: false,
    }),

  projects: () =>
    queryOptions({
      queryKey: ["projects"],
      queryFn: () =>
        allPages((cursor) =>
          must(api.GET("/api/projects", { params: { query: { limit: 100, cursor } } })),
        ),
    }),

  nodeTypes: () =>
    queryOptions({
      queryKey: ["nodes"],
      queryFn: async () => (await must(api.GET("/api/nodes"))).data,
      staleTime: Number.POSITIVE_INFINITY,
    }),

  connectionTypes: () =>
    queryOptions({
      queryKey: ["connections", "types"],
      queryFn: () => must(api.GET("/api/connections/types")),
      staleTime: Number.POSITIVE_INFINITY,
    }),

  workflows: () =>
    queryOptions({
      queryKey: ["workflows"],
      queryFn: () =>
        allPages((cursor) =>
          must(api.GET("/api/workflows", { params: { query: { limit: 100, cursor } } })),
        ),
    }),

  workflow: (id: string) =>
    queryOptions({
      queryKey: ["workflows", id],
      queryFn: () => must(api.GET("/api/workflows/{id}/full", { params: { path: { id } } })),
    }),

  templates: () =>
    queryOptions({
      queryKey: ["templates"],
      queryFn: async () => (await must(api.GET("/api/templates"))).data,
      staleTime: Number.POSITIVE_INFINITY,
    }),

  versions: (id: string) =>
    queryOptions({
      queryKey: ["workflows", id, "versions"],
      queryFn: () =>
        allPages((cursor) =>
          must(
            api.GET("/api/workflows/{id}/versions", {
              params: { path: { id }, query: { limit: 100, cursor } },
            }),
          ),
        ),
    }),

  version: (id: string, version: string) =>
    queryOptions({
      queryKey: ["workflows", id, "versions", version],
      queryFn: () =>
        must(
          api.GET("/api/workflows/{id}/versions/{version}", {
            params: { path: { id, version } },
          }),
        ),
      staleTime: Number.POSITIVE_INFINITY,
    }),

  versionCode: (id: string, version: string) =>
    queryOptions({
      queryKey: ["workflows", id, "versions", version, "code"],
      queryFn: () =>
        must(
          api.GET("/api/workflows/{id}/versions/{version}/code", {
            params: { path: { id, version } },
          }),
        ),
    }),

  deployments: (id?: string) =>
    queryOptions({
      queryKey: id ? ["workflows", id, "deployments"] : ["deployments"],
      queryFn: () =>
        allPages<Deployment>((cursor) =>
          id
            ? must(
                api.GET("/api/workflows/{id}/deployments", {
                  params: { path: { id }, query: { limit: 100, cursor } },
                }),
              )
            : must(api.GET("/api/deployments", { params: { query: { limit: 100, cursor } } })),
        ),
    }),

  connections: () =>
    queryOptions({
      queryKey: ["connections"],
      queryFn: async () => (await must(api.GET("/api/connections"))).data,
    }),

  run: (id: string, run: string) =>
    queryOptions({
      queryKey: ["workflows", id, "runs", run],
      queryFn: () =>
        must(api.GET("/api/workflows/{id}/runs/{run}", { params: { path: { id, run } } })),
      placeholderData: keepPreviousData,
    }),
};
