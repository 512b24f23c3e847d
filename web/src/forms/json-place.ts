/** Where JSON goes wrong: engines tell that in many ways, or not at all. Pure. */

type JsonFault = { line: number; column: number; message: string };

const SIGN = String.raw`([{}[\]:,])`;
// No control character may stand in a text.
const QUOTED = String.raw`("(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")`;
const NUMBER = String.raw`-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])`;
const TOKEN = new RegExp(
  String.raw`\s*(?:${SIGN}|${QUOTED}|(${NUMBER}|true\b|false\b|null\b))`,
  "y",
);

type Expecting = "value" | "valueOrEnd" | "key" | "keyOrEnd" | "colon" | "comma";

const WANTED: Record<Expecting, string> = {
  value: "a value",
  valueOrEnd: "a value, or ]",
  key: "a name in double quotes",
  keyOrEnd: "a name in double quotes, or }",
  colon: "a colon",
  comma: "a comma, or the end",
};

/** The first fault of a text, null for good JSON. Deeper than `deepest` is a fault, too. */
export function faultOf(text: string, deepest = 64): JsonFault | null {
  const open: ("{" | "[")[] = [];
  let expecting: Expecting = "value";
  let at = 0;
  let ended = false;
  const fail = (message: string, where = at): JsonFault => {
    const skipped = where + (/^\s*/.exec(text.slice(where))?.[0].length ?? 0);
    const before = text.slice(0, skipped);
    const line = before.split("\n").length;
    return { line, column: skipped - before.lastIndexOf("\n"), message };
  };
  while (true) {
    if (ended)
      return /^\s*$/.test(text.slice(at)) ? null : fail("Nothing may stand after its end.");
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text);
    if (!token) {
      const rest = text.slice(at).trim();
      if (rest === "") return fail(`It ends where ${WANTED[expecting]} should stand.`);
      return fail(`Here should stand ${WANTED[expecting]}.`);
    }
    const [, sign, quoted, plain] = token;
    const wrong = () => fail(`Here should stand ${WANTED[expecting]}.`);
    const value = expecting === "value" || expecting === "valueOrEnd";
    if (quoted !== undefined && (expecting === "key" || expecting === "keyOrEnd")) {
      expecting = "colon";
    } else if (quoted !== undefined || plain !== undefined) {
      if (!value) return wrong();
      expecting = "comma";
      ended = open.length === 0;
    } else if (sign === "{" || sign === "[") {
      if (!value) return wrong();
      open.push(sign);
      if (open.length > deepest) return fail(`It is nested more than ${deepest} deep.`);
      expecting = sign === "{" ? "keyOrEnd" : "valueOrEnd";
    } else if (sign === "}" || sign === "]") {
      const inside = open.at(-1);
      const empty = sign === "}" ? expecting === "keyOrEnd" : expecting === "valueOrEnd";
      if (inside !== (sign === "}" ? "{" : "[") || !(empty || expecting === "comma"))
        return wrong();
      open.pop();
      expecting = "comma";
      ended = open.length === 0;
    } else if (sign === ":") {
      if (expecting !== "colon") return wrong();
      expecting = "value";
    } else {
      if (expecting !== "comma" || open.length === 0) return wrong();
      expecting = open.at(-1) === "{" ? "key" : "value";
    }
    at = TOKEN.lastIndex;
  }
}
