import { useQueryClient } from "@tanstack/react-query";
import { WifiOff } from "lucide-react";
import { useEffect } from "react";
import { doubt, usePresence } from "@/api/presence";

/** A page that asks for nothing is told this soon that the server is away. */
const LOOKS_EVERY = 10_000;

/** Says that the server is away, for as long as it is; what was asked for before is then asked again. */
export function ServerAway() {
  const { away } = usePresence();
  const cache = useQueryClient();
  useEffect(() => {
    const timer = setInterval(() => !document.hidden && void doubt(), LOOKS_EVERY);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    if (away) return () => void cache.invalidateQueries();
  }, [away, cache]);
  return (
    <div
      aria-live="polite"
      className="pointer-events-none fixed inset-x-0 bottom-3 z-50 flex justify-center max-md:bottom-15"
    >
      {away && (
        <span className="flex items-center gap-2 rounded-full border bg-raised px-3 py-1 text-table text-waiting shadow-float animate-appear">
          <WifiOff size={13} /> The server is away; this page goes on when it is back
        </span>
      )}
    </div>
  );
}
