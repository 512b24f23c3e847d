/** Who is signed in. The session itself is a cookie that scripts can't read. */

import { useQuery } from "@tanstack/react-query";
import { api, must } from "@/api/client";
import { queries } from "@/api/queries";

export function useMe() {
  return useQuery(queries.me()).data;
}

export async function signIn(token: string): Promise<void> {
  await must(api.POST("/api/auth/sessions", { body: { token } }));
}

export async function isSignedIn(): Promise<boolean> {
  return must(api.GET("/api/me")).then(
    () => true,
    () => false,
  );
}

export async function signOut(): Promise<void> {
  await must(api.DELETE("/api/auth/sessions"));
  window.location.assign("/sign-in");
}
