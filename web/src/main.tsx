import "@/design/tokens.css";
import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError, onSignedOut } from "@/api/client";
import { doubt } from "@/api/presence";
import { router } from "@/app/router";
import { ConfirmProvider } from "@/design/dialog";
import { waitBy } from "@/design/late";
import { startTheme } from "@/design/theme";
import { Toaster } from "@/design/toast";
import { TooltipProvider } from "@/design/tooltip";

startTheme();
waitBy(doubt);

const cache = new QueryClient({
  queryCache: new QueryCache(),
  defaultOptions: {
    queries: {
      staleTime: 2000,
      retry: (count, error) => error instanceof ApiError && error.passing && count < 3,
    },
  },
});

onSignedOut(() => {
  if (router.state.location.pathname !== "/sign-in") void router.navigate({ to: "/sign-in" });
});

const place = document.getElementById("root");
if (place) {
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={cache}>
        <TooltipProvider delayDuration={350}>
          <ConfirmProvider>
            <RouterProvider router={router} />
            <Toaster />
          </ConfirmProvider>
        </TooltipProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
}
