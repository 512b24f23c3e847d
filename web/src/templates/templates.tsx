import { useQuery } from "@tanstack/react-query";
import { ArrowRight } from "lucide-react";
import { useMemo, useState } from "react";
import { queries, type Template } from "@/api/queries";
import { Page } from "@/app/page";
import { Button } from "@/design/button";
import { Dialog } from "@/design/dialog";
import { Skeleton } from "@/design/empty";
import { plural } from "@/design/format";
import { JsonTree } from "@/design/json-tree";
import { Problem } from "@/design/problem";
import { graphFrom } from "@/graph/from";
import { Thumbnail } from "@/versions/thumbnail";
import { useTemplate } from "./use-template";

/** Workflows to begin with: each runs as it is, and shows one thing. */
export function Templates() {
  const { data, error } = useQuery(queries.templates());
  const { use, busy } = useTemplate();
  const [shown, setShown] = useState<Template | null>(null);
  return (
    <Page
      title="Templates"
      aside={data && <span className="text-muted">{plural(data.length, "template")}</span>}
    >
      <div className="p-4 md:p-6">
        {error && <Problem error={error} />}
        <ul className="grid gap-4 sm:grid-cols-2 xl:grid-cols-3 2xl:grid-cols-4">
          {!data &&
            !error &&
            ["a", "b", "c", "d", "e", "f"].map((key) => (
              <li key={key}>
                <Skeleton className="h-80" />
              </li>
            ))}
          {data?.map((template) => (
            <Card
              key={template.id}
              template={template}
              busy={busy === template.id}
              onLook={() => setShown(template)}
              onUse={() => void use(template)}
            />
          ))}
        </ul>
      </div>
      {shown && (
        <Look
          template={shown}
          busy={busy === shown.id}
          onClose={() => setShown(null)}
          onUse={() => void use(shown)}
        />
      )}
    </Page>
  );
}

type CardProps = { template: Template; busy: boolean; onLook: () => void; onUse: () => void };

function Card({ template, busy, onLook, onUse }: CardProps) {
  const graph = useMemo(() => graphFrom(template.ir, template.title), [template]);
  return (
    <li className="relative flex flex-col overflow-hidden rounded-panel border bg-raised focus-within:border-line-strong hover:border-line-strong">
      <Thumbnail graph={graph} className="h-44 w-full border-b bg-ground p-2" />
      <div className="flex flex-1 flex-col gap-1 p-4">
        <h2 className="font-semibold">
          <button type="button" onClick={onLook} className="text-left after:absolute after:inset-0">
            {template.title}
          </button>
        </h2>
        <p className="text-soft">{template.summary}</p>
        <ul aria-label="It teaches" className="mt-1 mb-3 flex flex-wrap gap-1">
          {template.teaches.map((one) => (
            <li key={one} className="rounded-full border bg-sunken px-2 text-soft text-small">
              {one}
            </li>
          ))}
        </ul>
        <div className="relative mt-auto flex items-center justify-between gap-2">
          <span className="text-muted text-table">{plural(graph.nodes.length, "node")}</span>
          <Button
            icon={ArrowRight}
            busy={busy}
            onClick={onUse}
            aria-label={`Use this: ${template.title}`}
          >
            Use this
          </Button>
        </div>
      </div>
    </li>
  );
}

type LookProps = { template: Template; busy: boolean; onClose: () => void; onUse: () => void };

/** A template before it is used: its graph larger, and what to try it with. */
function Look({ template, busy, onClose, onUse }: LookProps) {
  const graph = useMemo(() => graphFrom(template.ir, template.title), [template]);
  return (
    <Dialog
      open
      onClose={onClose}
      width={720}
      title={template.title}
      description={template.summary}
      actions={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button look="primary" icon={ArrowRight} busy={busy} onClick={onUse}>
            Use this
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Thumbnail large graph={graph} className="h-80 w-full rounded-panel border bg-ground p-3" />
        <div className="grid gap-4 sm:grid-cols-2">
          <section>
            <h3 className="mb-1 font-medium">Try it with</h3>
            <div className="rounded-control border bg-ground p-2">
              <JsonTree value={template.params} />
            </div>
          </section>
          {template.event && (
            <section>
              <h3 className="mb-1 font-medium">
                and send it <span className="font-mono text-table">{template.event.type}</span>
              </h3>
              <div className="rounded-control border bg-ground p-2">
                <JsonTree value={template.event.payload} />
              </div>
            </section>
          )}
        </div>
      </div>
    </Dialog>
  );
}
