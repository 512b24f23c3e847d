/** The module that the graph compiles to now, or what is wrong with it. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, type Detail, must } from "@/api/client";
import { queries } from "@/api/queries";
import { asJson, emptyGraph, type Graph } from "@/graph/model";
import { useEditor } from "./store";

const AFTER = 400;

/** A value once it has stayed for so many milliseconds. */
export function useSettled<T>(value: T, after = AFTER): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(() => value), after);
    return () => clearTimeout(timer);
  }, [value, after]);
  return settled;
}

type Compiled =
  | { code: string; lines: Lines; problems: null }
  | { code: null; lines: null; problems: Detail[] };

/** Asks what is wrong before it asks for the module: a drawing with problems is no failure. */
async function compile(ir: Record<string, unknown>, entryCode: string | null): Promise<Compiled> {
  const report = await must(api.POST("/api/validate", { body: { ir, entryCode } }));
  if (!report.valid) return { code: null, lines: null, problems: report.diagnostics };
  const module = await must(api.POST("/api/compile", { body: { ir, entryCode } }));
  return { code: module.code, lines: linesOf(module.nodeLines), problems: null };
}

export function useCompiled() {
  const workflow = useEditor((state) => state.workflow);
  const graph = useSettled(useEditor((state) => state.graph));
  const { data: full } = useQuery(queries.workflow(workflow));
  const entryCode = full?.entryCode ?? null;
  return useQuery({
    queryKey: ["compiled", workflow, graph, entryCode],
    queryFn: () => compile(asJson(graph), entryCode),
    enabled: full !== undefined,
    placeholderData: keepPreviousData,
    retry: false,
    gcTime: 30_000,
    structuralSharing: false,
  });
}

/** The smallest graph there is: with it, every problem is one of the entry code. */
function smallest(kind: Graph["kind"]): Record<string, unknown> {
  const node = { id: "nothing", type: "step", name: "Nothing", data: { code: "return None" } };
  return asJson({
    ...emptyGraph("Entry", kind),
    nodes: [{ ...node, position: { x: 0, y: 0 } }],
    entryNodeId: node.id,
  });
}

/** The entry code of a workflow that has none of its own. */
export async function defaultEntry(kind: Graph["kind"]): Promise<string> {
  const body = { ir: smallest(kind), entryCode: null };
  return entryIn((await must(api.POST("/api/compile", { body }))).code);
}

export async function entryProblems(kind: Graph["kind"], entryCode: string): Promise<Detail[]> {
  const body = { ir: smallest(kind), entryCode };
  const { diagnostics } = await must(api.POST("/api/validate", { body }));
  return diagnostics.filter((one) => one.path.startsWith("entryCode"));
}

type Lines = Record<string, readonly [number, number]>;

/** Node id to its first and last line; what has no such form is left out. */
export function linesOf(nodeLines: Record<string, unknown>): Lines {
  return Object.fromEntries(
    Object.entries(nodeLines).filter(
      (entry): entry is [string, [number, number]] =>
        Array.isArray(entry[1]) && entry[1].length === 2 && entry[1].every(Number.isInteger),
    ),
  );
}

/** The node that a line belongs to: of several around it, the one with the fewest lines. */
export function nodeAt(lines: Lines, line: number): string | null {
  let found: string | null = null;
  let fewest = Number.POSITIVE_INFINITY;
  for (const [node, [first, last]] of Object.entries(lines)) {
    if (line < first || line > last || last - first >= fewest) continue;
    found = node;
    fewest = last - first;
  }
  return found;
}

/** The code inside the worker's `fetch` handler, as it stands in a module. */
export function entryIn(module: string): string {
  const lines = module.split("\n");
  const start = lines.findLastIndex((line) => /^ {4}async def fetch\(self, request\):/.test(line));
  const body = lines
    .slice(start + 1)
    .map((line) => (line.startsWith("        ") ? line.slice(8) : line.trimStart()));
  // What the compiler puts before it: names that every entry code has.
  while (body.length > 0 && /^(|env = self\.env|ctx = self\.ctx)$/.test(body[0] as string))
    body.shift();
  return `${body.join("\n").trimEnd()}\n`;
}
