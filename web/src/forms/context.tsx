/** What all fields of one form share: whose it is, what can be read there, what is wrong. */

import { createContext, type ReactNode, use, useEffect, useMemo, useRef } from "react";
import type { Detail } from "@/api/client";
import type { Values } from "./preview";
import { within } from "./problems";
import { type Readable, valuesOf } from "./readables";

type FormContext = {
  readables: readonly Readable[];
  values: Values;
  /** The problems of what is edited. */
  problems: readonly Detail[];
  /** The problem whose field is shown and focused. */
  focus: Detail | null;
};

const Form = createContext<FormContext>({
  readables: [],
  values: new Map(),
  problems: [],
  focus: null,
});

type FormProviderProps = Omit<FormContext, "values"> & { children: ReactNode };

export function FormProvider({ readables, problems, focus, children }: FormProviderProps) {
  const context = useMemo(
    () => ({ readables, values: valuesOf(readables), problems, focus }),
    [readables, problems, focus],
  );
  return <Form value={context}>{children}</Form>;
}

export function useForm(): FormContext {
  return use(Form);
}

/** Whether the problem to show lies at this path, or in it. */
export function useHasFocus(path: string): boolean {
  const { focus } = useForm();
  return focus !== null && within(focus.path, path);
}

/**
 * Calls back when the problem to show lies at this very path, or inside it with `whole`; once for
 * each problem.
 */
export function useFocus(
  path: string,
  ready: boolean,
  show: (problem: Detail) => void,
  whole = false,
): void {
  const { focus } = useForm();
  const shown = useRef<Detail | null>(null);
  useEffect(() => {
    if (!ready || !focus || shown.current === focus) return;
    if (whole ? !within(focus.path, path) : focus.path !== path) return;
    shown.current = focus;
    show(focus);
  }, [focus, path, ready, show, whole]);
}
