import { Page } from "@/app/page";

export function Environment() {
  return <Page title="Environment">{null}</Page>;
}
