import { Page } from "@/app/page";

export function Home() {
  return <Page title="Home">{null}</Page>;
}
