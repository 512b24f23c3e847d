import { Page } from "@/app/page";

export function Versions() {
  return <Page title="Versions">{null}</Page>;
}
