import type { Attempt } from "@/api/queries";
import { CopyTextButton } from "@/design/copy";
import { cx } from "@/design/cx";
import { exact } from "@/design/format";

const STREAMS = { stdout: "out", stderr: "err", note: "note" };

export function logsOf(attempts: readonly Attempt[]): number {
  return attempts.reduce((sum, attempt) => sum + attempt.logs.length, 0);
}

/** What the attempts printed, with time and stream; an attempt's lines come once it has ended. */
export function LogsView({ attempts }: { attempts: readonly Attempt[] }) {
  const going = attempts.some((attempt) => attempt.endedAt === null);
  if (logsOf(attempts) === 0) {
    return (
      <p className="text-muted">
        {going
          ? "What the attempt prints is here once it has ended."
          : "Nothing was printed. What code prints while it runs is kept with its attempt."}
      </p>
    );
  }
  const all = () =>
    attempts.flatMap(({ logs }) => logs.map(({ at, text }) => `${at} ${text}`)).join("\n");
  return (
    <div className="flex flex-col gap-3">
      {attempts.map(
        ({ logs, number }) =>
          logs.length > 0 && (
            <section key={number} aria-label={`Attempt ${number}`}>
              {attempts.length > 1 && (
                <h4 className="mb-1 text-muted text-table">Attempt {number}</h4>
              )}
              <ol className="overflow-hidden rounded-control border bg-sunken py-1 font-mono text-table">
                {logs.map((line, place) => (
                  <li
                    // biome-ignore lint/suspicious/noArrayIndexKey: lines are only ever added
                    key={place}
                    className="grid grid-cols-[auto_auto_1fr] gap-x-2 px-2 hover:bg-hover"
                  >
                    <time
                      dateTime={line.at}
                      className="text-muted"
                      title={exact(new Date(line.at))}
                    >
                      {exact(new Date(line.at)).split(", ")[1]}
                    </time>
                    <span className={cx(line.stream === "stderr" ? "text-errored" : "text-muted")}>
                      {STREAMS[line.stream]}
                    </span>
                    <span className="min-w-0 break-words whitespace-pre-wrap">{line.text}</span>
                  </li>
                ))}
              </ol>
            </section>
          ),
      )}
      <div>
        <CopyTextButton text={all} label="Copy all lines" />
      </div>
    </div>
  );
}
