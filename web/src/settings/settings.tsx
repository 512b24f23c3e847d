import { useQuery } from "@tanstack/react-query";
import { Download, ExternalLink, Keyboard } from "lucide-react";
import { api, must } from "@/api/client";
import { queries } from "@/api/queries";
import { Page } from "@/app/page";
import { signOut, useMe } from "@/app/session";
import { useAct } from "@/design/act";
import { Button } from "@/design/button";
import { cx } from "@/design/cx";
import { plural } from "@/design/format";
import { Problem } from "@/design/problem";
import { Section } from "@/design/section";
import { setTheme, type Theme, useTheme } from "@/design/theme";
import { When } from "@/design/time";
import { failed, told } from "@/design/toast";
import { kept } from "@/home/tour";
import { download } from "@/workflows/files";
import { Projects } from "./projects";

/** What is about this browser, this server and this project. */
export function Settings() {
  return (
    <Page title="Settings" narrow>
      <Appearance />
      <Projects />
      <Server />
      <Session />
      <Export />
      <Help />
    </Page>
  );
}

const THEMES: { value: Theme; label: string; text: string }[] = [
  { value: "system", label: "As the system", text: "Changes with it" },
  { value: "light", label: "Light", text: "Always" },
  { value: "dark", label: "Dark", text: "Always" },
];

function Appearance() {
  const { chosen } = useTheme();
  return (
    <Section title="Appearance" text="Kept in this browser.">
      <fieldset className="grid gap-2 sm:grid-cols-3">
        <legend className="sr-only">Theme</legend>
        {THEMES.map((theme) => (
          <label
            key={theme.value}
            className={cx(
              "cursor-pointer rounded-control border px-3 py-2 has-focus-visible:outline-2 has-focus-visible:outline-accent",
              chosen === theme.value
                ? "border-accent bg-accent-soft"
                : "border-line-strong hover:bg-hover",
            )}
          >
            <input
              type="radio"
              name="theme"
              className="sr-only"
              checked={chosen === theme.value}
              onChange={() => setTheme(theme.value)}
            />
            <span className="block font-medium">{theme.label}</span>
            <span className="block text-muted text-table">{theme.text}</span>
          </label>
        ))}
      </fieldset>
    </Section>
  );
}

function Server() {
  const { data, error } = useQuery({
    queryKey: ["health"],
    queryFn: () => must(api.GET("/api/health")),
    refetchInterval: 10_000,
  });
  return (
    <Section
      title="This server"
      aside={
        data && (
          <span className="flex items-center gap-1.5 font-medium text-complete">
            <span className="size-2 rounded-full bg-current" /> Healthy
          </span>
        )
      }
    >
      {error && <Problem error={error} />}
      <dl className="grid grid-cols-[8rem_1fr] gap-y-1">
        <dt className="text-muted">Version</dt>
        <dd className="font-mono text-table leading-5">{data?.version ?? "–"}</dd>
        <dt className="text-muted">Address</dt>
        <dd className="font-mono text-table leading-5 break-all">{location.origin}</dd>
        {data && (
          <>
            <dt className="text-muted">Runners</dt>
            <dd>{plural(data.runner.count, "process", "processes")}</dd>
            <dt className="text-muted">Isolation</dt>
            <dd className={data.runner.isolated ? "" : "text-waiting"}>
              {data.runner.isolated
                ? data.runner.isolation || "Code that runs sees its own files only."
                : `Not isolated: ${data.runner.isolation}`}
            </dd>
          </>
        )}
      </dl>
    </Section>
  );
}

function Session() {
  const me = useMe();
  if (!me) return null;
  return (
    <Section
      title="You"
      aside={<Button onClick={() => void signOut().catch(failed)}>Sign out</Button>}
    >
      <dl className="grid grid-cols-[8rem_1fr] gap-y-1">
        <dt className="text-muted">Name</dt>
        <dd>{me.user.name}</dd>
        <dt className="text-muted">Project</dt>
        <dd>
          {me.project.name} <span className="text-muted">of {me.organization.name}</span>
        </dd>
        <dt className="text-muted">You may</dt>
        <dd>{me.scopes.join(", ")}</dd>
        <dt className="text-muted">Signed in until</dt>
        <dd>
          <When at={me.expiresAt} />
          <span className="text-muted">, longer with each day of use</span>
        </dd>
      </dl>
    </Section>
  );
}

function Export() {
  const { data: workflows } = useQuery(queries.workflows());
  const { act, busy } = useAct(failed);
  const all = () =>
    act(async () => {
      for (const workflow of workflows ?? []) {
        const params = { path: { id: workflow.id } };
        download(workflow.name, await must(api.GET("/api/workflows/{id}/export", { params })));
      }
      told(`${plural(workflows?.length ?? 0, "file")} were written.`);
    });
  return (
    <Section
      title="Take it with you"
      text="Each workflow as a JSON file, with its graph, its code and its settings. Secrets stay here."
      aside={
        <Button
          icon={Download}
          busy={busy}
          disabled={!workflows || workflows.length === 0}
          onClick={() => void all()}
        >
          Export all
        </Button>
      }
    >
      <p className="text-soft">
        A whole project of plain Python, with tests, is written by{" "}
        <code className="rounded-[4px] bg-sunken px-1 font-mono text-table">awaitstep eject</code>:
        it runs without this server, and on Cloudflare.
      </p>
    </Section>
  );
}

function Help() {
  return (
    <Section title="Help">
      <ul className="flex flex-col gap-1.5">
        <li className="flex items-center gap-2">
          <Keyboard size={16} className="text-muted" /> Press{" "}
          <kbd className="rounded-[4px] border bg-sunken px-1 text-small">?</kbd> on any page for
          its keys.
        </li>
        <li className="flex items-center gap-2">
          <ExternalLink size={16} className="text-muted" />
          <a
            href="/api/docs"
            target="_blank"
            rel="noreferrer"
            className="text-accent hover:underline"
          >
            The REST API of this server
          </a>
        </li>
        <li>
          <Button
            onClick={() => {
              kept.resume();
              told("The first steps are on Home again.");
            }}
          >
            Show the first steps again
          </Button>
        </li>
      </ul>
    </Section>
  );
}
