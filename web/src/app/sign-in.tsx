import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { ApiError } from "@/api/client";
import { Command } from "@/design/copy";
import { Problem } from "@/design/problem";
import { useTitle } from "./page";
import { isSignedIn, signIn } from "./session";

/** Opens the session of a one-time link, whose token stands behind the `#`, where no log sees it. */
export function SignIn() {
  useTitle("Sign in");
  const navigate = useNavigate();
  const cache = useQueryClient();
  const [error, setError] = useState<unknown>(null);

  useEffect(() => {
    const open = async () => {
      const token = window.location.hash.slice(1);
      if (!token) return;
      window.history.replaceState(null, "", window.location.pathname);
      try {
        await signIn(token);
      } catch (problem) {
        // A used link in a browser that is signed in leads where it wanted to.
        if (!(await isSignedIn())) return setError(problem);
      }
      await cache.resetQueries();
      await navigate({ to: "/", replace: true });
    };
    void open();
    window.addEventListener("hashchange", open);
    return () => window.removeEventListener("hashchange", open);
  }, [navigate, cache]);

  const refused = error instanceof ApiError && error.status === 401;
  return (
    <main className="mx-auto flex min-h-dvh max-w-100 flex-col justify-center gap-4 p-6">
      <img src="/icon.svg" alt="" className="size-10" />
      <h1 className="font-semibold text-title">Sign in to AwaitStep</h1>
      {error ? (
        <Problem
          error={refused ? new Error("This link was used already, or it is too old.") : error}
        />
      ) : null}
      <p className="text-soft">
        Signing in needs a link, which works once. Make one where the server runs:
      </p>
      <Command text="awaitstep login-link" />
      <p className="text-muted">
        With <code className="font-mono text-table">make run</code> or{" "}
        <code className="font-mono text-table">awaitstep dev</code> the link is printed at the
        start.
      </p>
    </main>
  );
}
