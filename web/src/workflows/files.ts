/** Workflows as files: exports that go out, and files that come in. */

import { api, must, type Schemas } from "@/api/client";

export type Imported = Schemas["ImportedShape"];

const LARGEST = 16 * 1024 * 1024;

export class FileRefused extends Error {}

/** The JSON object that a file holds. Throws FileRefused; whatever else it may be is for the server to say. */
export function parsed(text: string): Record<string, unknown> {
  if (text.length > LARGEST) throw new FileRefused("The file is over 16 MB.");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const told = error instanceof Error ? ` ${error.message}.` : "";
    throw new FileRefused(`The file is not JSON.${told}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new FileRefused("The file holds no workflow: it is not a JSON object.");
  }
  return value as Record<string, unknown>;
}

export async function importFile(file: File): Promise<Imported> {
  if (file.size > LARGEST) throw new FileRefused("The file is over 16 MB.");
  const body = parsed(await file.text());
  return await must(api.POST("/api/workflows/import", { body }));
}

/** Whether an import has something to tell beside that it worked. */
export function hasRemarks(imported: Imported): boolean {
  const { renames, needsPorting, notes, missingEnvVars } = imported;
  return renames.length + needsPorting.length + notes.length + missingEnvVars.length > 0;
}

/** A name for a file, of any text: `refund-desk.json`. */
export function fileName(name: string): string {
  const plain = name
    .normalize("NFKD")
    .replace(/[^\w\s-]/g, "")
    .trim()
    .toLowerCase()
    .replace(/[\s_-]+/g, "-")
    .slice(0, 60);
  return `${plain || "workflow"}.json`;
}

export function download(name: string, content: unknown): void {
  const url = URL.createObjectURL(
    new Blob([JSON.stringify(content, null, 2)], { type: "application/json" }),
  );
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName(name);
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export async function exportWorkflow(id: string, name: string): Promise<void> {
  download(name, await must(api.GET("/api/workflows/{id}/export", { params: { path: { id } } })));
}

/** A second workflow with the same graph, code and settings; secrets stay behind. */
export async function duplicate(
  id: string,
): Promise<{ id: string; name: string; missing: string[] }> {
  const params = { path: { id } };
  const kept = await must(api.GET("/api/workflows/{id}/export", { params }));
  const name = `${kept.name} copy`.slice(0, 256);
  if (kept.ir === null) {
    const body = { name, description: kept.description, kind: kindOf(kept.kind) };
    const made = await must(api.POST("/api/workflows", { body }));
    return { id: made.id, name: made.name, missing: [] };
  }
  const made = await must(api.POST("/api/workflows/import", { body: { ...kept, name } }));
  return { id: made.id, name: made.name, missing: made.missingEnvVars };
}

function kindOf(kind: string): "workflow" | "script" {
  return kind === "script" ? "script" : "workflow";
}
