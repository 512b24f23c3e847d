import { Page } from "@/app/page";

export function AllRuns() {
  return <Page title="Runs">{null}</Page>;
}
