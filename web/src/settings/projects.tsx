import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowRight, Pencil, Plus } from "lucide-react";
import { useState } from "react";
import { api, must } from "@/api/client";
import { openProject } from "@/api/project";
import { type Project, queries } from "@/api/queries";
import { useMe } from "@/app/session";
import { Button, IconButton } from "@/design/button";
import { SkeletonRows } from "@/design/empty";
import { NameDialog } from "@/design/name-dialog";
import { Problem } from "@/design/problem";
import { Section } from "@/design/section";
import { When } from "@/design/time";

/** The projects of the organization: another one is opened, a new one made, each renamed. */
export function Projects() {
  const cache = useQueryClient();
  const me = useMe();
  const { data: projects, error } = useQuery(queries.projects());
  const [asking, setAsking] = useState<Project | "new" | null>(null);
  return (
    <Section
      title="Projects"
      text="Each has workflows, connections, variables and keys of its own."
      aside={
        <Button icon={Plus} onClick={() => setAsking("new")}>
          New project
        </Button>
      }
    >
      {error && <Problem error={error} />}
      {!projects && !error && <SkeletonRows rows={1} />}
      <ul aria-label="Projects" className="flex flex-col divide-y">
        {projects?.map((project) => (
          <li key={project.id} className="flex h-10 items-center gap-2">
            <span className="min-w-0 flex-1 truncate">
              <span className="font-medium">{project.name}</span>{" "}
              <span className="text-muted text-table">
                made <When at={project.createdAt} />
              </span>
            </span>
            <IconButton
              icon={Pencil}
              label={`Rename ${project.name}`}
              size="small"
              onClick={() => setAsking(project)}
            />
            {project.id === me?.project.id ? (
              <span className="px-3 text-muted text-table">You are here</span>
            ) : (
              <Button
                look="ghost"
                icon={ArrowRight}
                aria-label={`Open ${project.name}`}
                onClick={() => openProject(project.id)}
              >
                Open
              </Button>
            )}
          </li>
        ))}
      </ul>
      {asking && (
        <NameDialog
          title={asking === "new" ? "New project" : `Rename ${asking.name}`}
          description={
            asking === "new" ? "It begins empty, with the engine of this server." : undefined
          }
          name={asking === "new" ? "" : asking.name}
          placeholder="Billing"
          onClose={() => setAsking(null)}
          onSave={async (name) => {
            const body = { name };
            if (asking === "new") {
              const made = await must(api.POST("/api/projects", { body }));
              openProject(made.id);
              return;
            }
            const params = { path: { id: asking.id } };
            await must(api.PATCH("/api/projects/{id}", { params, body }));
            await Promise.all([
              cache.invalidateQueries({ queryKey: queries.projects().queryKey }),
              cache.invalidateQueries({ queryKey: queries.me().queryKey }),
            ]);
          }}
        />
      )}
    </Section>
  );
}
