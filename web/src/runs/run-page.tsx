import { Page } from "@/app/page";

export function RunPage() {
  return <Page title="Run">{null}</Page>;
}
