import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, must } from "@/api/client";
import { useAct } from "@/design/act";
import { Button } from "@/design/button";
import { Dialog } from "@/design/dialog";
import { plural } from "@/design/format";
import { failed, told } from "@/design/toast";
import { graphFrom } from "@/graph/from";
import { saveDraft } from "./keeping";
import { useEditor, useEditorStore } from "./store";

/** Somebody else, or another tab, drew in the meantime: which of the two drawings stays? */
export function Conflict() {
  const store = useEditorStore();
  const cache = useQueryClient();
  const workflow = useEditor((state) => state.workflow);
  const mine = useEditor((state) => state.graph.nodes.length);
  const [open, setOpen] = useState(true);
  const { act, busy } = useAct(failed);

  const settle = (keepMine: boolean) =>
    act(async () => {
      const full = await must(
        api.GET("/api/workflows/{id}/full", { params: { path: { id: workflow } } }),
      );
      store.getState().set({ revision: full.draft?.revision ?? 0 });
      if (keepMine) {
        await saveDraft(store);
        told("Your drawing replaced the other one.");
      } else {
        const theirs = full.draft?.ir ?? full.version?.ir;
        if (theirs) store.getState().edit("Take theirs", () => graphFrom(theirs, full.name));
        store.getState().set({ saving: "saved" });
        told("You have the other drawing now; undo brings yours back.");
      }
      await cache.invalidateQueries({ queryKey: ["workflows", workflow] });
    });

  return (
    <>
      <Button look="danger" onClick={() => setOpen(true)}>
        Changed elsewhere
      </Button>
      <Dialog
        open={open}
        onClose={() => setOpen(false)}
        title="This workflow was changed elsewhere"
        description="Another tab or person saved a drawing since you opened yours. Nothing is overwritten until you choose."
        actions={
          <>
            <Button busy={busy} onClick={() => void settle(false)}>
              Take theirs
            </Button>
            <Button look="primary" busy={busy} onClick={() => void settle(true)}>
              Keep mine
            </Button>
          </>
        }
      >
        <p className="text-soft">
          Yours has {plural(mine, "node")}. Taking theirs can be undone; keeping yours replaces
          theirs.
        </p>
      </Dialog>
    </>
  );
}
