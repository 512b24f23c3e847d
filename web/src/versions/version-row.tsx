import { useQueryClient } from "@tanstack/react-query";
import { Ellipsis, Lock, LockOpen, Rocket, Trash2, Undo2 } from "lucide-react";
import { useState } from "react";
import { ApiError, api, must } from "@/api/client";
import type { FullWorkflow, Version } from "@/api/queries";
import { IconButton } from "@/design/button";
import { cx } from "@/design/cx";
import { useConfirm } from "@/design/dialog";
import { Menu } from "@/design/menu";
import { When } from "@/design/time";
import { failed, told } from "@/design/toast";
import { Tooltip } from "@/design/tooltip";
import { useEditorStore } from "@/editor/store";

type VersionRowProps = {
  workflow: FullWorkflow;
  version: Version;
  live: boolean;
  newest: boolean;
  shown: boolean;
  onShow: () => void;
  onDeploy: () => void;
};

export function VersionRow(props: VersionRowProps) {
  const { version, live, newest, shown, onShow } = props;
  return (
    <li
      className={cx(
        "group relative flex items-start gap-2 border-b py-2 pr-2 pl-4 md:pl-6",
        shown ? "bg-accent-soft" : "hover:bg-ground",
      )}
    >
      <div className="min-w-0 flex-1">
        <div className="flex h-6 items-center gap-2">
          <button
            type="button"
            onClick={onShow}
            aria-current={shown || undefined}
            className="font-medium after:absolute after:inset-0"
          >
            Version {version.version}
          </button>
          {live && <Mark className="text-complete">Live</Mark>}
          {newest && <Mark className="text-soft">Newest</Mark>}
          {version.locked && (
            <Tooltip text="Locked: it can’t be deleted">
              <Lock size={12} role="img" aria-label="Locked" className="relative text-muted" />
            </Tooltip>
          )}
          <span className="relative ml-auto text-muted text-table">
            <When at={version.createdAt} />
          </span>
        </div>
        <Note workflow={props.workflow.id} version={version} />
      </div>
      <div className="relative">
        <Acts {...props} />
      </div>
    </li>
  );
}

function Mark({ className, children }: { className: string; children: string }) {
  return (
    <span
      className={cx(
        "flex items-center gap-1 rounded-full border px-1.5 text-small font-medium",
        className,
      )}
    >
      <span className="size-1.5 rounded-full bg-current" />
      {children}
    </span>
  );
}

/** What was written about a version; a click edits it in place. */
function Note({ workflow, version }: { workflow: string; version: Version }) {
  const cache = useQueryClient();
  const [text, setText] = useState<string | null>(null);
  const save = async () => {
    const note = text?.trim() || null;
    setText(null);
    if (text === null || note === version.note) return;
    try {
      await must(
        api.PATCH("/api/workflows/{id}/versions/{version}", {
          params: { path: { id: workflow, version: version.id } },
          body: { note },
        }),
      );
      await cache.invalidateQueries({ queryKey: ["workflows", workflow, "versions"] });
    } catch (error) {
      failed(error);
    }
  };
  if (text === null) {
    return (
      <button
        type="button"
        onClick={() => setText(version.note ?? "")}
        className={cx(
          "relative -mx-1 max-w-full rounded-[4px] px-1 text-left text-table break-words hover:bg-hover",
          version.note ? "text-soft" : "text-muted",
        )}
      >
        {version.note ?? "Add a note"}
      </button>
    );
  }
  return (
    <input
      // biome-ignore lint/a11y/noAutofocus: it takes the place of what was just clicked
      autoFocus
      aria-label={`Note on version ${version.version}`}
      value={text}
      maxLength={1000}
      onChange={(event) => setText(event.target.value)}
      onBlur={() => void save()}
      onKeyDown={(event) => {
        if (event.key === "Enter") event.currentTarget.blur();
        if (event.key === "Escape") setText(null);
      }}
      className="relative h-6 w-full rounded-[4px] border border-line-strong bg-surface px-1 text-table"
    />
  );
}

function Acts({ workflow, version, live, newest, onDeploy }: VersionRowProps) {
  const cache = useQueryClient();
  const confirm = useConfirm();
  const editor = useEditorStore();
  const path = { id: workflow.id, version: version.id };
  const again = () => cache.invalidateQueries({ queryKey: ["workflows", workflow.id] });

  const lock = async (locked: boolean) => {
    try {
      await must(
        api.PATCH("/api/workflows/{id}/versions/{version}", { params: { path }, body: { locked } }),
      );
      await again();
      told(
        locked
          ? `Version ${version.version} is locked.`
          : `Version ${version.version} is unlocked.`,
        () => void lock(!locked),
      );
    } catch (error) {
      failed(error);
    }
  };
  const revert = async () => {
    const { changed } = editor.getState();
    const sure = await confirm({
      title: `Go back to version ${version.version}?`,
      text: changed
        ? "Its graph is saved as a new version and loaded into the editor. What you have drawn since the last version is lost."
        : "Its graph is saved as a new version and loaded into the editor. All versions stay, and what is live stays live until you deploy.",
      action: "Go back",
      harmless: !changed,
    });
    if (!sure) return;
    try {
      const made = await must(
        api.POST("/api/workflows/{id}/versions/{version}/revert", { params: { path } }),
      );
      // The draft was made for another graph: it would hide the one that was asked for.
      if (editor.getState().revision > 0) {
        await must(
          api.DELETE("/api/workflows/{id}/draft", { params: { path: { id: workflow.id } } }),
        ).catch((error) => {
          if (!(error instanceof ApiError && error.code === "draft.not_found")) throw error;
        });
      }
      editor.getState().set({ saving: "saved", changed: false });
      await cache.invalidateQueries({ queryKey: ["editing", workflow.id] });
      await again();
      told(`Version ${made.version} is the graph of version ${version.version}.`);
    } catch (error) {
      failed(error);
    }
  };
  const remove = async () => {
    const sure = await confirm({
      title: `Delete version ${version.version}?`,
      text: "Its graph and its note are lost. Runs keep their steps.",
      action: "Delete",
    });
    if (!sure) return;
    try {
      await must(api.DELETE("/api/workflows/{id}/versions/{version}", { params: { path } }));
      if (editor.getState().baseVersion === version.id) {
        await cache.invalidateQueries({ queryKey: ["editing", workflow.id] });
      }
      await again();
      told(`Version ${version.version} is deleted.`);
    } catch (error) {
      failed(error);
    }
  };
  return (
    <Menu
      trigger={
        <IconButton
          icon={Ellipsis}
          label={`What can be done with version ${version.version}`}
          size="small"
        />
      }
      items={[
        {
          label: live ? "Deploy it again" : "Deploy this version",
          icon: Rocket,
          onSelect: onDeploy,
        },
        { label: "Go back to it", icon: Undo2, disabled: newest, onSelect: () => void revert() },
        {
          label: version.locked ? "Unlock" : "Lock",
          icon: version.locked ? LockOpen : Lock,
          onSelect: () => void lock(!version.locked),
        },
        "separator",
        {
          label: "Delete",
          icon: Trash2,
          danger: true,
          disabled: version.locked || live,
          onSelect: () => void remove(),
        },
      ]}
    />
  );
}
