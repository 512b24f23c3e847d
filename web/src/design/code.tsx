/** Code, shown and edited. CodeMirror comes over the wire when the first editor is shown. */

import { Component, lazy, type ReactNode, Suspense } from "react";
import { Button } from "./button";
import type { CodeDiffProps, CodeEditorProps } from "./code-mirror";
import { Skeleton } from "./empty";
import { arrive } from "./late";
import { Problem } from "./problem";

const load = () => import("./code-mirror");
const Editor = lazy(async () => ({ default: (await arrive(load, "CodeEditor")).CodeEditor }));
const Diff = lazy(async () => ({ default: (await arrive(load, "CodeDiff")).CodeDiff }));

export function CodeEditor(props: CodeEditorProps) {
  return (
    <Alone>
      <Editor {...props} />
    </Alone>
  );
}

/** Two texts, what was removed and what was added between them. */
export function CodeDiff(props: CodeDiffProps) {
  return (
    <Alone>
      <Diff {...props} />
    </Alone>
  );
}

type AloneProps = { children: ReactNode };

/** What is wrong with an editor leaves the page around it as it is. */
class Alone extends Component<AloneProps, { error: unknown }> {
  override state = { error: null as unknown };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (error !== null) {
      return (
        <Problem
          error={error}
          action={<Button onClick={() => window.location.reload()}>Load the page anew</Button>}
        />
      );
    }
    return (
      <Suspense fallback={<Skeleton className="h-24 w-full" />}>{this.props.children}</Suspense>
    );
  }
}
