import { Link, type LinkProps } from "@tanstack/react-router";
import { type ReactNode, useEffect } from "react";

/** The name of the page in the browser's tab and history. */
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    document.title = title ? `${title} · AwaitStep` : "AwaitStep";
  }, [title]);
}

type PageProps = {
  title: string;
  /** Beside the title: a count, a state. */
  aside?: ReactNode;
  /** At the right: the main action last. */
  actions?: ReactNode;
  /** Below the title: filters. */
  toolbar?: ReactNode;
  children: ReactNode;
  /** Text pages are narrow; lists take what there is. */
  narrow?: boolean;
};

/** A page with a heading. Lists and forms use it; the canvas and a run do not. */
export function Page({ title, aside, actions, toolbar, children, narrow }: PageProps) {
  useTitle(title);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <header className="flex min-h-13 flex-wrap items-center gap-x-3 gap-y-2 border-b px-4 py-2 md:px-6">
        <h1 className="font-semibold text-read">{title}</h1>
        {aside}
        <div className="ml-auto flex flex-wrap items-center gap-2">{actions}</div>
      </header>
      {toolbar && (
        <div className="flex flex-wrap items-center gap-2 border-b px-4 py-2 md:px-6">
          {toolbar}
        </div>
      )}
      <div className="relative min-h-0 flex-1 overflow-auto">
        {narrow ? <div className="mx-auto max-w-190 p-4 md:p-6">{children}</div> : children}
      </div>
    </div>
  );
}

/** A tab of a page: a link, so that back and forward and new windows work. */
export function TabLink(props: LinkProps & { children: ReactNode }) {
  return (
    <Link
      {...props}
      className="-mb-px flex h-10 items-center gap-1.5 border-b-2 border-transparent px-2 font-medium text-muted whitespace-nowrap hover:text-ink data-[status=active]:border-accent data-[status=active]:text-ink"
    />
  );
}
