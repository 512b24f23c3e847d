/** Where the editor panel stands and how large it is: remembered by the browser. */

import { create } from "zustand";
import { persist } from "zustand/middleware";

export type Dock = "below" | "right";

type PanelPlace = {
  dock: Dock;
  /** In pixels, for each place. */
  sizes: Record<Dock, number>;
  move: (dock: Dock) => void;
  resize: (size: number) => void;
};

export const LEAST: Record<Dock, number> = { below: 160, right: 320 };
/** What is left for the canvas at least. */
const CANVAS: Record<Dock, number> = { below: 160, right: 280 };

export function within(dock: Dock, size: number, room: number): number {
  const most = Math.max(LEAST[dock], room - CANVAS[dock]);
  return Math.round(Math.min(Math.max(size, LEAST[dock]), most));
}

export const usePanelPlace = create<PanelPlace>()(
  persist(
    (set) => ({
      dock: "below",
      sizes: { below: 320, right: 480 },
      move: (dock) => set({ dock }),
      resize: (size) =>
        set(({ dock, sizes }) => ({
          sizes: { ...sizes, [dock]: Math.max(LEAST[dock], Math.round(size)) },
        })),
    }),
    {
      name: "awaitstep.panel",
      partialize: ({ dock, sizes }) => ({ dock, sizes }),
      merge: (kept, now) => ({ ...now, ...readKept(kept) }),
    },
  ),
);

/** What the browser kept, which anything may have written. */
function readKept(kept: unknown): Partial<PanelPlace> {
  const { dock, sizes } = (kept ?? {}) as Partial<PanelPlace>;
  if (dock !== "below" && dock !== "right") return {};
  const good = (size: unknown) => typeof size === "number" && size > 0 && size < 10_000;
  return good(sizes?.below) && good(sizes?.right) ? { dock, sizes } : { dock };
}
