/** The project that is looked at. It stands in the address, so that a link leads into it. */

/** The parameter of the address; without it, it is the project that the sign-in link led into. */
export const PROJECT = "project";

export function projectHeaders(): Record<string, string> {
  const chosen = new URLSearchParams(window.location.search).get(PROJECT);
  return chosen ? { "AwaitStep-Project": chosen } : {};
}

/** Leaves everything of the other project behind: the page is loaded anew. */
export function openProject(id: string): void {
  window.location.assign(`/?${new URLSearchParams({ [PROJECT]: id })}`);
}
