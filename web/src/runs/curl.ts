/** Lines of shell that do what a page does. */

/** A text as one word of a shell. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A request to the API, with the key in a variable: what is copied is often pasted elsewhere. */
export function curl(address: string, method = "GET", body?: unknown): string {
  const parts = [
    `curl ${method === "GET" ? "" : `-X ${method} `}${quoted(window.location.origin + address)}`,
    '-H "Authorization: Bearer $AWAITSTEP_API_KEY"',
  ];
  if (body !== undefined) {
    parts.push('-H "Content-Type: application/json"', `-d ${quoted(JSON.stringify(body))}`);
  }
  return parts.join(" \\\n  ");
}

export function runAddress(workflow: string, run: string, end = ""): string {
  return `/api/workflows/${encodeURIComponent(workflow)}/runs/${encodeURIComponent(run)}${end}`;
}
