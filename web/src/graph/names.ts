/** Ids: a node's id is its variable in the code, so not every text can be one. */

const KEYWORDS = `False None True and as assert async await break class continue def del elif else
except finally for from global if import in is lambda nonlocal not or pass raise return try while
with yield match case type`;
const BUILTINS = `abs aiter all anext any ascii bin bool breakpoint bytearray bytes callable chr
classmethod compile complex copyright credits delattr dict dir divmod enumerate eval exec exit filter
float format frozenset getattr globals hasattr hash help hex id input int isinstance issubclass iter
len license list locals map max memoryview min next object oct open ord pow print property quit range
repr reversed round set setattr slice sorted staticmethod str sum super tuple type vars zip`;
const OURS = `event step env ctx self request error fetch Response Default WorkflowEntrypoint
WorkerEntrypoint asyncio json datetime item i`;
const TAKEN = new Set(`${KEYWORDS} ${BUILTINS} ${OURS}`.split(/\s+/));

export function canBeId(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_]*$/.test(text) && !TAKEN.has(text) && text.length <= 100;
}

/** An id like the name, that none of `taken` is: `Load claim` becomes `load_claim`. */
export function idFrom(name: string, taken: ReadonlySet<string>): string {
  const plain = name
    .normalize("NFKD")
    .replace(/[^\x20-\x7e]/g, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^[_0-9]+|_+$/g, "")
    .slice(0, 40);
  const base = canBeId(plain) ? plain : `${plain || "node"}_1`;
  if (!taken.has(base)) return base;
  const stem = base.replace(/_\d+$/, "");
  for (let count = 2; ; count++) {
    const id = `${stem}_${count}`;
    if (!taken.has(id)) return id;
  }
}
