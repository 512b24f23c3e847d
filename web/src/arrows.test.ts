/** Which folder may import which. docs/architecture.md tells the same in words. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, it } from "vitest";

const ROOT = import.meta.dirname;
/** What a page is put into; only `main.tsx` and these themselves know it. */
const FRAME = ["app/router.tsx", "app/shell.tsx", "app/rail.tsx", "app/palette.tsx"];

type Arrow = { from: string; to: string; typeOnly: boolean };

const isTest = (file: string) => /\.test\.tsx?$/.test(file);
const room = (file: string) => (file.includes("/") ? (file.split("/")[0] ?? "") : "");

function sources(): string[] {
  return readdirSync(ROOT, { recursive: true, encoding: "utf8" }).filter(
    (file) => /\.tsx?$/.test(file) && !file.endsWith(".d.ts"),
  );
}

/** `import …`, `export … from …` and `import(…)`, also of workers and styles. */
const IMPORT = /(?:\b(import|export)\s+(type\s)?(?:[^"';]*?\sfrom\s+)?|\bimport\()"([^"]+)"/g;

const IMPORTED_STYLE = /@import "([^"]+)"/g;

/** The file that is imported, or the name of a package. */
function target(from: string, name: string): string {
  const path = name.replace(/\?.*$/, "");
  let base: string;
  if (path.startsWith("@/")) base = path.slice(2);
  else if (path.startsWith(".")) base = relative(ROOT, join(ROOT, dirname(from), path));
  else return path;
  // made by a command, and perhaps not yet
  if (base === "api/schema") return "api/schema.d.ts";
  const found = [base, `${base}.ts`, `${base}.tsx`, `${base}.d.ts`].find(
    (file) => /\.\w+$/.test(file) && existsSync(join(ROOT, file)),
  );
  if (!found) throw new Error(`${from} imports ${name}, which is not there.`);
  return found;
}

const files = sources();
const arrows: Arrow[] = files
  .filter((file) => !isTest(file))
  .flatMap((from) =>
    [...readFileSync(join(ROOT, from), "utf8").matchAll(IMPORT)].map(([, , type, name]) => ({
      from,
      to: target(from, name ?? ""),
      typeOnly: type !== undefined,
    })),
  );

const isOurs = (arrow: Arrow) => files.includes(arrow.to) || arrow.to.startsWith("api/");
const told = (arrow: Arrow) => `${arrow.from} → ${arrow.to}`;
const between = (from: string) =>
  arrows.filter((arrow) => room(arrow.from) === from && isOurs(arrow) && room(arrow.to) !== from);

it("sees the imports", () => {
  expect(arrows.length).toBeGreaterThan(500);
  expect(between("canvas").map((arrow) => room(arrow.to))).toContain("graph");
  expect(arrows.map(told)).toContain("design/code.tsx → design/code-mirror.tsx");
  expect(arrows.map(told)).toContain("main.tsx → app/router.tsx");
});

it("leaves the graph alone: no React, no page, no network", () => {
  expect(
    arrows.filter((arrow) => room(arrow.from) === "graph" && room(arrow.to) !== "graph").map(told),
  ).toEqual([]);
});

it("keeps features and the API out of the design", () => {
  expect(between("design").map(told)).toEqual([]);
});

it("lets the API know nothing but how an error is explained", () => {
  expect(between("api").map(told)).toEqual(["api/client.ts → design/problem.tsx"]);
});

it("lets no page know its frame, but for the types of addresses", () => {
  const known = arrows.filter(
    (arrow) =>
      FRAME.includes(arrow.to) &&
      !arrow.typeOnly &&
      !FRAME.includes(arrow.from) &&
      arrow.from !== "main.tsx",
  );
  expect(known.map(told)).toEqual([]);
});

it("lets nothing wait for itself: no file imports what imports it, types aside", () => {
  const out = new Map<string, string[]>();
  for (const { from, to, typeOnly } of arrows)
    if (files.includes(to) && !typeOnly) out.set(from, [...(out.get(from) ?? []), to]);
  const done = new Set<string>();
  const rings: string[] = [];
  const walk = (file: string, path: string[]) => {
    if (path.includes(file)) {
      rings.push([...path.slice(path.indexOf(file)), file].join(" → "));
      return;
    }
    if (done.has(file)) return;
    for (const to of out.get(file) ?? []) walk(to, [...path, file]);
    done.add(file);
  };
  for (const file of files) walk(file, []);
  expect(rings).toEqual([]);
});

const EXPORTED = /^export (?:async )?(?:function\*?|const|type|class|let) (\w+)/gm;

it("offers nothing that no other file takes", () => {
  const texts = new Map(files.map((file) => [file, readFileSync(join(ROOT, file), "utf8")]));
  const taken = new Map(
    [...texts].map(([file, text]) => [
      file,
      // by an import, or by its name where a page is loaded when it is first opened
      Array.from(text.matchAll(/import[^;]*?from|"\w+"/g), ([found]) => found).join(" "),
    ]),
  );
  const idle = [...texts].flatMap(([file, text]) =>
    isTest(file)
      ? []
      : Array.from(text.matchAll(EXPORTED), ([, name]) => name ?? "")
          .filter((name) =>
            [...taken].every(
              ([other, words]) => other === file || !new RegExp(`\\b${name}\\b`).test(words),
            ),
          )
          .map((name) => `${file}: ${name}`),
  );
  expect(idle).toEqual([]);
});

it("sends nobody a package that nothing imports", () => {
  const text = readFileSync(join(ROOT, "../package.json"), "utf8");
  const named = Object.keys((JSON.parse(text) as { dependencies: object }).dependencies);
  const styles = readFileSync(join(ROOT, "design/tokens.css"), "utf8");
  const used = [
    ...arrows.map((arrow) => arrow.to),
    ...Array.from(styles.matchAll(IMPORTED_STYLE), (found) => found[1] ?? ""),
  ];
  const isUsed = (name: string) => used.some((one) => one === name || one.startsWith(`${name}/`));
  expect(named.filter((name) => !isUsed(name))).toEqual([]);
});
