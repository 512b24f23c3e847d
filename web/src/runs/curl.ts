/** Lines of shell that do what a page does. */

/** A text as one word of a shell. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A request to the API, with the key in a variable: what is copied is often pasted elsewhere. */
export function curl(address: string, method = "GET", body?: unknown): string {
  const parts = ["curl"];
  if (method !== "GET") parts.push(`-X ${method}`);
  parts.push(quoted(window.location.origin + address));
  parts.push('-H "Authorization: Bearer $AWAITSTEP_API_KEY"');
  if (body !== undefined) {
    parts.push('-H "Content-Type: application/json"', `-d ${quoted(JSON.stringify(body))}`);
  }
  return parts.join(" \\\n  ").replace(/^curl \\\n {2}/, "curl ");
}

export function runAddress(workflow: string, run: string, end = ""): string {
  return `/api/workflows/${encodeURIComponent(workflow)}/runs/${encodeURIComponent(run)}${end}`;
}
