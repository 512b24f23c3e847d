import { TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";

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
                {detail.message}
                {detail.hint && <span className="text-muted"> {detail.hint}</span>}
              </li>
            ))}
          </ul>
        )}
        {known && (
          <details className="mt-1 text-muted text-table">
            <summary>Details</summary>
            <p className="mt-1 font-mono break-all">
              {known.code}
              {known.requestId && ` · ${known.requestId}`} · status {known.status}
            </p>
          </details>
        )}
        {action && <div className="mt-2">{action}</div>}
      </div>
    </div>
  );
}
