import { Page } from "@/app/page";

export function Connections() {
  return <Page title="Connections">{null}</Page>;
}
