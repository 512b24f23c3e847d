/** What is offered while an expression or Python is typed. Pure: positions in, options out. */

import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { asExpression, type Key } from "./expressions";
import { type Child, childrenOf, type Readable } from "./readables";

/** Offers what can stand inside `{{…}}`, once that was opened. */
export function completeTemplate(readables: readonly Readable[]) {
  return (context: CompletionContext): CompletionResult | null => {
    const before = context.state.sliceDoc(Math.max(0, context.pos - 2000), context.pos);
    return optionsInBraces(before, context.pos, readables);
  };
}

/** The same in a condition, where Python may read the names as well. */
export function completeCondition(readables: readonly Readable[]) {
  return (context: CompletionContext): CompletionResult | null => {
    const before = context.state.sliceDoc(Math.max(0, context.pos - 2000), context.pos);
    return (
      optionsInBraces(before, context.pos, readables) ??
      optionsInPython(before, context.pos, readables, context.explicit, CONDITION_WORDS)
    );
  };
}

export function completePython(readables: readonly Readable[]) {
  return (context: CompletionContext): CompletionResult | null => {
    const text = context.state.doc.toString();
    const before = text.slice(Math.max(0, context.pos - 2000), context.pos);
    const own = ownNames(text).filter((name) => !readables.some((one) => one.name === name));
    const words = [...own.map(word("variable")), ...CODE_WORDS];
    return optionsInPython(before, context.pos, readables, context.explicit, words);
  };
}

const OPEN = /\{\{([^{}\n]*)$/;
const STEPS =
  /^\s*([\p{L}_][\p{L}\p{N}_]*)((?:\.[\p{L}_][\p{L}\p{N}_-]*|\[\d+\]|\["[^"\n]*"\]|\['[^'\n]*'\])*)/u;

/** The options after what was typed, which ends at `pos`; null outside of braces. */
export function optionsInBraces(
  before: string,
  pos: number,
  readables: readonly Readable[],
): CompletionResult | null {
  const inside = OPEN.exec(before)?.[1];
  if (inside === undefined) return null;
  const name = /^\s*([\p{L}_]?[\p{L}\p{N}_]*)$/u.exec(inside);
  if (name) {
    const typed = name[1] ?? "";
    return {
      from: pos - typed.length,
      options: readables.map(root),
      validFor: /^[\p{L}\p{N}_]*$/u,
    };
  }
  const opened = /(\.|\[["']?)([\p{L}\p{N}_-]*)$/u.exec(inside);
  if (!opened) return null;
  const [whole, sign = "", typed = ""] = opened;
  const found = resolve(inside.slice(0, -whole.length), readables);
  if (!found) return null;
  const options = childrenOf(found.readable, found.path).map((child, index) => {
    const text = asExpression("", [child.key]);
    const plain = sign === "." && text.startsWith(".");
    return option(
      child,
      index,
      plain ? text.slice(1) : text,
      plain ? typed.length : whole.length,
      pos,
    );
  });
  return { from: pos - typed.length, options, validFor: /^[\p{L}\p{N}_-]*$/u };
}

const CHAIN =
  /(?<![\w.\])])([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*|\[(?:"[^"\n]*"|'[^'\n]*'|\d+)\])*)(\.|\[["']?)(\w*)$/;

export function optionsInPython(
  before: string,
  pos: number,
  readables: readonly Readable[],
  explicit: boolean,
  words: readonly Completion[],
): CompletionResult | null {
  const line = before.slice(before.lastIndexOf("\n") + 1);
  const chain = CHAIN.exec(line);
  if (chain && !isQuoted(line.slice(0, chain.index))) {
    return optionsInChain(chain, pos, readables);
  }
  if (isQuoted(line)) return null;
  const typed = /(?<![\w.])[A-Za-z_]\w*$/.exec(line)?.[0] ?? "";
  if (typed === "" && !explicit) return null;
  if (/[\w.\])]\s*\.\s*\w*$/.test(line) && typed === "") return null;
  return {
    from: pos - typed.length,
    options: [...readables.map(root), ...words],
    validFor: /^\w*$/,
  };
}

function optionsInChain(
  chain: RegExpExecArray,
  pos: number,
  readables: readonly Readable[],
): CompletionResult | null {
  const [, name = "", steps = "", sign = "", typed = ""] = chain;
  const found = resolve(name + steps, readables);
  if (!found) return null;
  const { readable, path } = found;
  const from = pos - typed.length;
  if (sign === ".") {
    const attributes = path.length === 0 ? (readable.attributes ?? []) : [];
    if (attributes.length > 0) {
      return { from, options: attributes.map(word("property")), validFor: /^\w*$/ };
    }
    if (readable.name === "event") {
      const options = childrenOf(readable, path)
        .filter((child) => typeof child.key === "string" && /^[A-Za-z_]\w*$/.test(child.key))
        .map((child, index) => option(child, index, String(child.key), typed.length, pos));
      return { from, options, validFor: /^\w*$/ };
    }
    return null;
  }
  const width = sign.length + typed.length;
  const options = childrenOf(readable, path).map((child, index) =>
    option(child, index, `[${JSON.stringify(child.key)}]`, width, pos),
  );
  return { from, options, validFor: /^\w*$/ };
}

type Found = { readable: Readable; path: Key[] };

function resolve(text: string, readables: readonly Readable[]): Found | null {
  const steps = STEPS.exec(text);
  if (!steps || steps[0].length !== text.length) return null;
  const readable = readables.find((one) => one.name === steps[1]);
  if (!readable) return null;
  const path = [
    ...(steps[2] ?? "").matchAll(/\.([\p{L}\p{N}_-]+)|\[(\d+)\]|\[["']([^"'\n]*)["']\]/gu),
  ];
  return {
    readable,
    path: path.map(([, name, index, key]) =>
      index !== undefined ? Number(index) : (name ?? key ?? ""),
    ),
  };
}

/** Whether a line ends inside quotes, or in a comment. */
function isQuoted(line: string): boolean {
  let quote = "";
  for (let at = 0; at < line.length; at++) {
    const letter = line[at] as string;
    if (quote) {
      if (letter === "\\") at++;
      else if (letter === quote) quote = "";
    } else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === "#") return true;
  }
  return quote !== "";
}

/** In the order in which they are given: what is nearest comes first. */
function root({ name, title }: Readable, index: number): Completion {
  return {
    label: name,
    detail: title === name ? "" : title,
    type: "variable",
    boost: Math.max(1, 99 - index),
  };
}

/**
 * A key, which replaces so many letters before the cursor; a bracket that the editor closed by
 * itself is taken along.
 */
function option(
  child: Child,
  index: number,
  text: string,
  replaced: number,
  pos: number,
): Completion {
  const label = String(child.key);
  return {
    label,
    detail: child.detail,
    type: "property",
    boost: Math.max(1, 99 - index),
    apply: (view, _completion, _from, to) => {
      const start = pos - replaced;
      const after = view.state.sliceDoc(to, to + 2);
      const closed = text.endsWith("]") ? (/^["']?\]/.exec(after)?.[0].length ?? 0) : 0;
      view.dispatch({
        changes: { from: start, to: to + closed, insert: text },
        selection: { anchor: start + text.length },
        userEvent: "input.complete",
      });
    },
  };
}

const word =
  (type: string) =>
  (label: string): Completion => ({ label, type, boost: -1 });

const CONDITION_WORDS = [
  "and",
  "or",
  "not",
  "in",
  "is",
  "None",
  "True",
  "False",
  "len",
  "any",
  "all",
].map(word("keyword"));
const CODE_WORDS = `and as assert async await break class continue def elif else except finally for
from if import in is lambda None not or pass raise return True False try while with bool dict
enumerate float int isinstance len list max min print range round set sorted str sum tuple zip`
  .split(/\s+/)
  .map(word("keyword"));

/** Names that the code itself binds. */
export function ownNames(text: string): string[] {
  const found = new Set<string>();
  const bound =
    /^\s*(?:async\s+)?(?:def|class|import|for)\s+([A-Za-z_]\w*)|(?:^|\n)\s*([A-Za-z_]\w*)\s*(?::[^=\n]+)?=(?!=)|\b(?:as|import)\s+([A-Za-z_]\w*)/gm;
  for (const [, defined, assigned, imported] of text.matchAll(bound)) {
    const name = defined ?? assigned ?? imported;
    if (name) found.add(name);
  }
  return [...found];
}
