/** The language's `{{node.path[0]}}`: the same grammar as the server's. Pure. */

export type Key = string | number;
export type Reference = { root: string; path: Key[]; text: string };
export type Part = string | Reference;

/** A `{{` that begins no expression; `offset` says where. */
export class NoExpression extends Error {
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message);
  }
}

const ROOT = /\{\{\s*([\p{L}_][\p{L}\p{N}_]*)/uy;
const SEGMENT = /\.([\p{L}_][\p{L}\p{N}_-]*)|\[(\d{1,9})\]|\["([^"\\\n]*)"\]|\['([^'\\\n]*)'\]/uy;
const END = /\s*\}\}/y;

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** Splits a text into what is written and what is referred to. Throws `NoExpression`. */
export function parseTemplate(text: string): Part[] {
  const parts: Part[] = [];
  let done = 0;
  for (let start = text.indexOf("{{"); start >= 0; start = text.indexOf("{{", done)) {
    const [reference, end] = referenceAt(text, start);
    if (start > done) parts.push(text.slice(done, start));
    parts.push(reference);
    done = end;
  }
  if (done < text.length) parts.push(text.slice(done));
  return parts;
}

function referenceAt(text: string, start: number): [Reference, number] {
  const root = match(ROOT, text, start);
  if (!root) throw new NoExpression(`${text.slice(start, start + 20)} names no node.`, start);
  const path: Key[] = [];
  let at = start + root[0].length;
  for (let segment = match(SEGMENT, text, at); segment; segment = match(SEGMENT, text, at)) {
    const [whole, name, index, double, single] = segment;
    path.push(index !== undefined ? Number(index) : (name ?? double ?? single ?? ""));
    at += whole.length;
  }
  const end = match(END, text, at);
  if (!end) {
    throw new NoExpression(`${text.slice(start, at + 10)} is not an expression.`, start);
  }
  const after = at + end[0].length;
  return [{ root: root[1] as string, path, text: text.slice(start + 2, at).trim() }, after];
}

/** The reference when the text is nothing else: then the value keeps its type. */
export function exactly(parts: readonly Part[]): Reference | null {
  const [only] = parts;
  return parts.length === 1 && typeof only === "object" ? only : null;
}

const PLAIN = /^[\p{L}_][\p{L}\p{N}_]*$/u;
const DOTTED = /^[\p{L}_][\p{L}\p{N}_-]*$/u;

/** `a.b[0]["x y"]`, as it stands inside braces. */
export function asExpression(root: string, path: readonly Key[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    if (DOTTED.test(key)) return `${text}.${key}`;
    return key.includes('"') ? `${text}['${key}']` : `${text}["${key}"]`;
  }, root);
}

/** `a["b"][0]`, as Python reads it; of the event and of `env` the first key is an attribute. */
export function asPython(root: string, path: readonly Key[]): string {
  return path.reduce<string>((text, key, index) => {
    if (typeof key === "number") return `${text}[${key}]`;
    if (root === "env" && index === 0 && PLAIN.test(key)) return `${text}.${key}`;
    return `${text}[${JSON.stringify(key)}]`;
  }, root);
}

/** What a picked path, `a.b[0]["x y"]`, stands for. */
export function parsePath(text: string): Reference | null {
  try {
    return exactly(parseTemplate(`{{${text}}}`));
  } catch {
    return null;
  }
}
