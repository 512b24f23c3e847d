import { useHasFocus } from "@/forms/context";
import { held } from "@/forms/data";
import { ExpressionField } from "@/forms/expression-field";
import { Fold } from "@/forms/fold";
import { SchemaField } from "@/forms/schema-field";
import { Segments } from "@/forms/segments";
import { type FormPartProps, fieldNamed } from "./change";

type Kind = "forEach" | "while" | "times";

const KINDS = [
  { value: "forEach", label: "For each" },
  { value: "while", label: "While" },
  { value: "times", label: "So many times" },
] as const;

const ASKED: Record<Kind, { name: string; title: string; placeholder: string; help: string }> = {
  forEach: {
    name: "collection",
    title: "Collection",
    placeholder: "order_list",
    help: "A Python expression for a list; it is read once.",
  },
  while: {
    name: "condition",
    title: "While",
    placeholder: "page is None or page",
    help: "Asked before each iteration; it may read what the one before made.",
  },
  times: {
    name: "count",
    title: "How often",
    placeholder: "3",
    help: "A Python expression for a number.",
  },
};

/** A loop: what it goes by, what its body may read, and its limits. */
export function LoopForm({ node, fields, change }: FormPartProps) {
  const told = node.data.loopType;
  const kind: Kind = told === "while" || told === "times" ? told : "forEach";
  const asked = ASKED[kind];
  const field = fieldNamed(fields, asked.name);
  const named = (name: string) => {
    const one = fieldNamed(fields, name);
    return (
      one && (
        <SchemaField
          key={name}
          field={one}
          path={`data.${name}`}
          value={held(node.data, one)}
          onChange={(value, typed) => change.field(one, value, typed)}
        />
      )
    );
  };
  const concurrency = String(node.data.concurrency ?? 1);
  const most = Number(node.data.maxIterations ?? 10_000).toLocaleString("en-GB");
  const inLimits = [useHasFocus("data.concurrency"), useHasFocus("data.maxIterations")].some(
    Boolean,
  );
  return (
    <>
      <Segments
        label="Kind of loop"
        value={kind}
        choices={KINDS}
        onChange={(next) =>
          // What belongs to another kind of loop is an error, so it goes.
          change.data("Change the loop", {
            loopType: next === "forEach" ? undefined : next,
            ...(next === "forEach" ? {} : { collection: undefined }),
            ...(next === "while" ? { concurrency: undefined } : { condition: undefined }),
            ...(next === "times" ? {} : { count: undefined }),
          })
        }
      />
      {field && (
        <ExpressionField
          key={asked.name}
          path={`data.${asked.name}`}
          title={asked.title}
          help={asked.help}
          placeholder={asked.placeholder}
          required
          value={String(node.data[asked.name] ?? "")}
          onChange={(text) => change.field(field, text, true)}
          condition
        />
      )}
      <div className="grid grid-cols-2 gap-2">
        {kind === "forEach" && named("itemVar")}
        {named("indexVar")}
      </div>
      <Fold
        title="Limits"
        summary={`${kind === "while" ? "" : `${concurrency} at once, `}at most ${most}`}
        needed={inLimits}
      >
        {kind !== "while" && named("concurrency")}
        {named("maxIterations")}
      </Fold>
    </>
  );
}
