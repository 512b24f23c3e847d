import { Page } from "@/app/page";

export function AllDeployments() {
  return <Page title="Deployments">{null}</Page>;
}
