import { Page } from "@/app/page";

export function WorkflowList() {
  return <Page title="Workflows">{null}</Page>;
}
