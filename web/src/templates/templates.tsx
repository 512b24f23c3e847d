import { Page } from "@/app/page";

export function Templates() {
  return <Page title="Templates">{null}</Page>;
}
