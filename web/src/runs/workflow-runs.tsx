import { Page } from "@/app/page";

export function WorkflowRuns() {
  return <Page title="Runs">{null}</Page>;
}
