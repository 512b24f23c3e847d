import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Boxes, Check, Settings } from "lucide-react";
import { openProject } from "@/api/project";
import { queries } from "@/api/queries";
import { cx } from "@/design/cx";
import { Menu } from "@/design/menu";
import { useMe } from "./session";

/** Which project is looked at, and the way into another. */
export function ProjectSwitcher({ wide, className }: { wide: boolean; className: string }) {
  const me = useMe();
  const navigate = useNavigate();
  const { data: projects } = useQuery({ ...queries.projects(), enabled: me !== undefined });
  const name = me?.project.name ?? "…";
  return (
    <Menu
      align="start"
      trigger={
        <button
          type="button"
          aria-label={`Project ${name}`}
          title={wide ? undefined : `Project ${name}`}
          className={cx(className, "w-full max-md:hidden")}
        >
          <Boxes size={16} className="shrink-0" />
          {wide && <span className="min-w-0 flex-1 truncate text-left font-medium">{name}</span>}
        </button>
      }
      items={[
        ...(projects ?? []).map((project) => ({
          id: project.id,
          label: project.name,
          icon: project.id === me?.project.id ? Check : undefined,
          disabled: project.id === me?.project.id,
          onSelect: () => openProject(project.id),
        })),
        "separator" as const,
        {
          label: "Projects…",
          icon: Settings,
          onSelect: () => void navigate({ to: "/settings" }),
        },
      ]}
    />
  );
}
