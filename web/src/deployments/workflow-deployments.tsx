import { Page } from "@/app/page";

export function WorkflowDeployments() {
  return <Page title="Deployments">{null}</Page>;
}
