/** Code, shown and edited. CodeMirror comes over the wire when the first editor is shown. */

import { lazy, Suspense } from "react";
import type { CodeDiffProps, CodeEditorProps } from "./code-mirror";
import { Skeleton } from "./empty";

const Editor = lazy(() =>
  import("./code-mirror").then((module) => ({ default: module.CodeEditor })),
);
const Diff = lazy(() => import("./code-mirror").then((module) => ({ default: module.CodeDiff })));

export function CodeEditor(props: CodeEditorProps) {
  return (
    <Suspense fallback={<Skeleton className="h-24 w-full" />}>
      <Editor {...props} />
    </Suspense>
  );
}

/** Two texts, what was removed and what was added between them. */
export function CodeDiff(props: CodeDiffProps) {
  return (
    <Suspense fallback={<Skeleton className="h-24 w-full" />}>
      <Diff {...props} />
    </Suspense>
  );
}
