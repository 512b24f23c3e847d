import { Link, useRouter } from "@tanstack/react-router";
import { Compass } from "lucide-react";
import { Button } from "@/design/button";
import { Empty } from "@/design/empty";
import { CodeMissing } from "@/design/late";
import { Problem } from "@/design/problem";
import { useTitle } from "./page";

/** A page that could not be shown. */
export function Broken({ error, reset }: { error: unknown; reset: () => void }) {
  const router = useRouter();
  return (
    <div className="mx-auto max-w-140 p-6">
      <Problem
        error={error}
        action={
          <Button
            onClick={() => {
              // the browser remembers that it is missing
              if (error instanceof CodeMissing) return window.location.reload();
              reset();
              void router.invalidate();
            }}
          >
            Try again
          </Button>
        }
      />
    </div>
  );
}

export function NotFound() {
  useTitle("Not found");
  return (
    <Empty
      icon={Compass}
      title="There is nothing at this address"
      action={
        <Link to="/" className="font-medium text-accent hover:underline">
          Go home
        </Link>
      }
    >
      It may have been deleted, or the address was cut when it was copied.
    </Empty>
  );
}
