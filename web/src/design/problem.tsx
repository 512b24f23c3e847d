import { TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { Folded } from "./folded";

/** What an error can tell beside its message. Those of the API do. */
export type Explained = {
  status: number;
  code: string;
  requestId: string;
  details: {
    code: string;
    message: string;
    hint?: string | null;
    nodeId?: string | null;
    path?: string | null;
  }[];
};

function isExplained(error: unknown): error is Error & Explained {
  return error instanceof Error && "code" in error && "requestId" in error && "details" in error;
}

/** What went wrong, where and what to do; code and request id behind a fold. */
export function Problem({ error, action }: { error: unknown; action?: ReactNode }) {
  const known = isExplained(error) ? error : null;
  const text = error instanceof Error ? error.message : String(error);
  return (
    <div
      role="alert"
      className="flex gap-2 rounded-control border border-errored/40 bg-errored/5 p-3 text-app"
    >
      <TriangleAlert size={16} className="mt-0.5 shrink-0 text-errored" />
      <div className="min-w-0 flex-1">
        <p className="break-words">{text}</p>
        {known && known.details.length > 0 && (
          <ul className="mt-1 list-disc pl-4 text-soft">
            {known.details.slice(0, 20).map((detail) => (
              <li key={`${detail.code} ${detail.nodeId} ${detail.path} ${detail.message}`}>
                <Place at={detail.nodeId ?? detail.path} />
                {detail.message}
                {detail.hint && <span className="text-muted"> {detail.hint}</span>}
              </li>
            ))}
          </ul>
        )}
        {known && (
          <Folded title="Details" className="mt-1">
            <p className="mt-1 font-mono break-all text-muted text-table">
              {known.code}
              {known.requestId && ` · ${known.requestId}`} · status {known.status}
            </p>
          </Folded>
        )}
        {action && <div className="mt-2">{action}</div>}
      </div>
    </div>
  );
}

/** The node or the field that a detail is about. */
function Place({ at }: { at: string | null | undefined }) {
  if (!at) return null;
  return (
    <>
      <code className="font-mono text-table break-all">{at}</code>:{" "}
    </>
  );
}
