import { X } from "lucide-react";
import { useState } from "react";
import type { Run } from "@/api/queries";
import { Button, IconButton } from "@/design/button";
import { useConfirm } from "@/design/dialog";
import { plural } from "@/design/format";
import { failed } from "@/design/toast";
import { changeChosen, changeMatching, countMatching } from "./bulk";
import type { RunQuery } from "./filter";
import { allows, lossOf, VERBS, type Verb } from "./verbs";

type BulkBarProps = {
  workflow: string;
  /** Those of the list that are selected. */
  chosen: Run[];
  /** Runs that were read so far, and whether there are more. */
  shown: number;
  more: boolean;
  query: RunQuery;
  onClear: () => void;
};

/** What can be done with the runs that are selected, or with all that the filter finds. */
export function BulkBar({ workflow, chosen, shown, more, query, onClear }: BulkBarProps) {
  const confirm = useConfirm();
  const [matching, setMatching] = useState(false);
  const [counting, setCounting] = useState<Verb | null>(null);
  const whole = chosen.length === shown && more;
  const all = matching && whole;

  const act = async (verb: Verb) => {
    const { title, danger } = VERBS[verb];
    try {
      const ids = chosen.filter((run) => allows(run, verb)).map((run) => run.instanceId);
      let count = ids.length;
      if (all) {
        setCounting(verb);
        count = await countMatching(workflow, verb, query);
        setCounting(null);
      }
      const loss = lossOf(verb, count) ?? `${plural(count, "run")} will be ${VERBS[verb].done}.`;
      const agreed = await confirm({
        title: `${title} ${plural(count, "run")}?`,
        text: loss,
        action: `${title} ${plural(count, "run")}`,
        harmless: !danger,
      });
      if (!agreed) return;
      onClear();
      await (all ? changeMatching(workflow, verb, query) : changeChosen(workflow, verb, ids));
    } catch (error) {
      setCounting(null);
      failed(error);
    }
  };

  return (
    <div
      role="toolbar"
      aria-label="Selected runs"
      className="absolute bottom-4 left-1/2 z-20 flex w-max max-w-[calc(100%-16px)] -translate-x-1/2 flex-wrap items-center gap-1 rounded-panel border bg-surface p-1.5 shadow-float animate-appear"
    >
      <span className="px-2 font-medium whitespace-nowrap">
        {all ? "All that match" : `${chosen.length} selected`}
      </span>
      {whole && !matching && (
        <Button look="ghost" onClick={() => setMatching(true)} className="text-accent">
          Select all that match
        </Button>
      )}
      {(Object.keys(VERBS) as Verb[]).map((verb) => {
        const { title, icon, danger } = VERBS[verb];
        return (
          <Button
            key={verb}
            look={danger ? "danger" : "plain"}
            icon={icon}
            busy={counting === verb}
            disabled={!all && !chosen.some((run) => allows(run, verb))}
            onClick={() => void act(verb)}
          >
            {title}
          </Button>
        );
      })}
      <IconButton icon={X} label="Select none" side="top" onClick={onClear} />
    </div>
  );
}
