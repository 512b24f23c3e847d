import { Page } from "@/app/page";

export function Settings() {
  return <Page title="Settings">{null}</Page>;
}
