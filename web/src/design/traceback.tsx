import { CopyButton } from "./copy";
import { Folded } from "./folded";

/** Where an error came from, behind a fold. */
export function Traceback({ text }: { text: string }) {
  return (
    <div className="relative">
      <Folded
        title="Traceback"
        className="overflow-hidden rounded-control border"
        head="w-full! bg-sunken px-3 py-1"
      >
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys */}
        <pre tabIndex={0} className="overflow-x-auto p-3 font-mono text-table">
          {text}
        </pre>
      </Folded>
      <span className="absolute top-0.5 right-1">
        <CopyButton text={text} label="Copy the traceback" />
      </span>
    </div>
  );
}
