import { Page } from "@/app/page";

export function WorkflowSettings() {
  return <Page title="Settings">{null}</Page>;
}
