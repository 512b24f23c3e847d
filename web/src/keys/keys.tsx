import { Page } from "@/app/page";

export function ApiKeys() {
  return <Page title="API keys">{null}</Page>;
}
