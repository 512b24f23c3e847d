import { useState } from "react";
import type { FullWorkflow } from "@/api/queries";
import { CodeEditor } from "@/design/code";
import { Section } from "@/design/section";
import { SaveBar } from "./save-bar";
import { usePatch } from "./use-patch";

function spelled(schema: FullWorkflow["payloadSchema"]): string {
  return schema ? JSON.stringify(schema, null, 2) : "";
}

const EXAMPLE = `{
  "type": "object",
  "properties": {"orderId": {"type": "string", "examples": ["ord_001"]}},
  "required": ["orderId"]
}`;

/** What a payload looks like, as JSON Schema: the trigger dialog begins with its example. */
export function PayloadSchema({ workflow }: { workflow: FullWorkflow }) {
  const patch = usePatch(workflow.id);
  const there = spelled(workflow.payloadSchema);
  const [text, setText] = useState(there);
  const { schema, wrong } = read(text);
  return (
    <Section
      title="Payload"
      text="A JSON Schema of what runs are started with. The trigger dialog begins with its example."
      aside={
        text.trim() === "" && (
          <button
            type="button"
            onClick={() => setText(EXAMPLE)}
            className="font-medium text-accent text-table hover:underline"
          >
            Take an example
          </button>
        )
      }
    >
      <CodeEditor
        value={text}
        onChange={setText}
        language="json"
        label="Schema of the payload"
        minHeight={96}
        maxHeight={320}
        placeholder="None: any JSON will do."
      />
      <SaveBar
        changed={text !== there}
        wrong={wrong}
        onReset={() => setText(there)}
        onSave={() => patch({ payloadSchema: schema })}
      />
    </Section>
  );
}

function read(text: string): { schema: Record<string, unknown> | null; wrong?: string } {
  if (text.trim() === "") return { schema: null };
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return { schema: value as Record<string, unknown> };
    }
    return { schema: null, wrong: "A schema is a JSON object." };
  } catch (error) {
    return { schema: null, wrong: error instanceof Error ? error.message : "It is not JSON." };
  }
}
