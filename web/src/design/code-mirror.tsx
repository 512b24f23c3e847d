/** The one place that knows CodeMirror. Never import it but through `code.tsx`. */

import {
  autocompletion,
  type CompletionSource,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { python } from "@codemirror/lang-python";
import {
  bidiIsolates,
  bracketMatching,
  HighlightStyle,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
} from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { unifiedMergeView } from "@codemirror/merge";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import {
  Annotation,
  Compartment,
  EditorState,
  type Extension,
  StateEffect,
  StateField,
} from "@codemirror/state";
import {
  Decoration,
  drawSelection,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
  MatchDecorator,
  placeholder as placeholderText,
  tooltips,
  ViewPlugin,
  type ViewUpdate,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";

type Language = "python" | "json" | "text";

/** A problem in the text; lines and columns count from 1. */
export type CodeProblem = {
  line: number;
  column: number;
  message: string;
  severity: "error" | "warning";
};

export type CodeEditorProps = {
  value: string;
  onChange?: (value: string) => void;
  language: Language;
  /** What a screen reader calls it. */
  label: string;
  readOnly?: boolean;
  /** One line that scrolls sideways, as in a form. */
  single?: boolean;
  lineNumbers?: boolean;
  placeholder?: string;
  problems?: CodeProblem[];
  complete?: CompletionSource;
  /** Lines that are marked, both included, from 1; the first is scrolled to. */
  marked?: readonly [number, number] | null;
  /** The line that was clicked or moved to. */
  onLine?: (line: number) => void;
  onFocus?: () => void;
  onBlur?: () => void;
  /** Gives out the view, for a caller that inserts text at the cursor. */
  onView?: (view: EditorView | null) => void;
  minHeight?: number;
  maxHeight?: number;
  fill?: boolean;
  extra?: Extension;
  /** `{{…}}` in it is told apart from the text around. */
  expressions?: boolean;
  /** Long lines go on below. */
  wrap?: boolean;
  /** Changes what is pasted or dropped. */
  taking?: (text: string) => string;
  /** The id of what tells more of it. */
  describedBy?: string;
  invalid?: boolean;
};

const COLOURS = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.controlKeyword], color: "var(--code)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--complete)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--running)" },
  { tag: [tags.comment], color: "var(--n-9)", fontStyle: "italic" },
  {
    tag: [tags.function(tags.variableName), tags.function(tags.definition(tags.variableName))],
    color: "var(--http)",
  },
  { tag: [tags.className, tags.definition(tags.className)], color: "var(--call)" },
  { tag: [tags.propertyName], color: "var(--n-11)" },
  { tag: [tags.meta, tags.annotation], color: "var(--custom)" },
  { tag: tags.invalid, color: "var(--errored)" },
]);

const THEME = EditorView.theme({
  "&": { backgroundColor: "transparent", color: "var(--n-12)", fontSize: "12px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": {
    fontFamily: "var(--font-mono)",
    fontVariantLigatures: "none",
    lineHeight: "18px",
    overflow: "auto",
  },
  ".cm-content": { padding: "6px 0", caretColor: "var(--n-12)" },
  ".cm-line": { padding: "0 8px" },
  ".cm-cursor": { borderLeftColor: "var(--n-12)" },
  ".cm-selectionBackground, &.cm-focused .cm-selectionBackground": {
    // light enough for text of every colour on it to be read
    backgroundColor: "color-mix(in oklch, var(--accent) 15%, transparent) !important",
  },
  ".cm-gutter-lint": { width: "14px" },
  ".cm-gutter-lint .cm-gutterElement": { padding: "1px" },
  ".cm-gutters": { backgroundColor: "var(--n-1)", color: "var(--n-9)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
  "&.cm-focused .cm-activeLine": {
    backgroundColor: "color-mix(in oklch, var(--n-12) 4%, transparent)",
  },
  ".cm-marked": { backgroundColor: "color-mix(in oklch, var(--accent) 14%, transparent)" },
  ".cm-placeholder": { color: "var(--n-9)" },
  ".cm-tooltip": {
    backgroundColor: "var(--raised)",
    border: "1px solid var(--n-6)",
    borderRadius: "6px",
    boxShadow: "var(--float)",
    color: "var(--n-12)",
    // A dialog below takes all clicks but those on what floats above it.
    pointerEvents: "auto",
  },
  ".cm-expression": {
    borderRadius: "3px",
    backgroundColor: "color-mix(in oklch, var(--accent) 13%, transparent)",
    color: "var(--accent)",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": {
    fontFamily: "var(--font-mono)",
    fontSize: "12px",
    maxHeight: "240px",
    padding: "4px",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { borderRadius: "4px", padding: "3px 6px" },
  ".cm-completionDetail": {
    marginLeft: "12px",
    fontStyle: "normal",
    fontFamily: "var(--font-sans)",
    opacity: "0.75",
  },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "600" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": {
    backgroundColor: "var(--accent)",
    color: "var(--on-accent)",
  },
  ".cm-panels": { backgroundColor: "var(--n-3)", color: "var(--n-12)" },
  ".cm-changedLine, .cm-insertedLine": {
    backgroundColor: "color-mix(in oklch, var(--complete) 12%, transparent) !important",
  },
  ".cm-deletedChunk": {
    backgroundColor: "color-mix(in oklch, var(--errored) 12%, transparent) !important",
  },
  // A line under what changed, not a darker ground: the text stays readable in its colours.
  ".cm-changedText": {
    background: "none !important",
    boxShadow: "inset 0 -2px 0 color-mix(in oklch, var(--complete) 70%, transparent)",
  },
  ".cm-deletedChunk .cm-deletedText": {
    background: "none !important",
    boxShadow: "inset 0 -2px 0 color-mix(in oklch, var(--errored) 70%, transparent)",
  },
});

/** Mod+Enter is the page's own, wherever one types. */
const KEYS = defaultKeymap.filter((binding) => binding.key !== "Mod-Enter");

const LANGUAGES: Record<Language, () => Extension> = {
  python: () => [python(), indentUnit.of("    ")],
  json: () => json(),
  text: () => [],
};

const setMarked = StateEffect.define<readonly [number, number] | null>();
const markedLines = StateField.define({
  create: () => Decoration.none,
  update(lines, transaction) {
    let next = lines.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(setMarked)) continue;
      const doc = transaction.state.doc;
      const found = [];
      if (effect.value) {
        const last = Math.min(effect.value[1], doc.lines);
        for (let line = Math.max(1, effect.value[0]); line <= last; line++) {
          found.push(Decoration.line({ class: "cm-marked" }).range(doc.line(line).from));
        }
      }
      next = Decoration.set(found);
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** On changes that came from outside, which nobody needs to be told of. */
const OUTSIDE = Annotation.define<boolean>();

/** What is only read can still be reached, and scrolled, with the keyboard. */
function readOnlyOf(readOnly: boolean | undefined): Extension {
  return [
    EditorView.contentAttributes.of({ tabindex: "0" }),
    readOnly ? [EditorState.readOnly.of(true), EditorView.editable.of(false)] : [],
  ];
}

function told({ label, readOnly, describedBy, invalid }: CodeEditorProps): Extension {
  const attributes: Record<string, string> = { "aria-label": label };
  if (describedBy) attributes["aria-describedby"] = describedBy;
  if (invalid) attributes["aria-invalid"] = "true";
  return [readOnlyOf(readOnly), EditorView.contentAttributes.of(attributes)];
}

const expressionMarks = new MatchDecorator({
  regexp: /\{\{[^{}\n]*\}\}/g,
  decoration: Decoration.mark({ class: "cm-expression" }),
});
const expressionsShown = ViewPlugin.define(
  (view) => ({
    marks: expressionMarks.createDeco(view),
    update(update: ViewUpdate) {
      this.marks = expressionMarks.updateDeco(update, this.marks);
    },
  }),
  { decorations: (plugin) => plugin.marks },
);

function place(state: EditorState): (problem: CodeProblem) => Diagnostic {
  return ({ line, column, message, severity }) => {
    const found = state.doc.line(Math.min(Math.max(1, line), state.doc.lines));
    const from = found.from + Math.max(0, column - 1);
    // What is wrong at the end of a line is shown on all of it: a mark needs something to stand on.
    const indent = /^\s*/.exec(found.text)?.[0].length ?? 0;
    return { from: from < found.to ? from : found.from + indent, to: found.to, message, severity };
  };
}

function isInView(view: EditorView, at: number): boolean {
  const { top, bottom } = view.lineBlockAt(at);
  const { scrollTop, clientHeight } = view.scrollDOM;
  return top >= scrollTop && bottom <= scrollTop + clientHeight;
}

function scrollWithin(view: EditorView, at: number): void {
  view.requestMeasure({
    read: () => view.lineBlockAt(at).top - view.scrollDOM.clientHeight / 2,
    write: (top) => {
      view.scrollDOM.scrollTop = top;
    },
  });
}

const common: Extension = [
  history(),
  drawSelection(),
  indentOnInput(),
  bracketMatching(),
  closeBrackets(),
  highlightSelectionMatches(),
  syntaxHighlighting(COLOURS),
  THEME,
  markedLines,
  tooltips({ position: "fixed", parent: document.body }),
];

export function CodeEditor(props: CodeEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const reading = useRef(new Compartment());
  const { value, language, single, readOnly, problems, marked, label, describedBy, invalid } =
    props;

  // The editor is made once for a language and a form; everything else reaches it by messages.
  useEffect(() => {
    if (!host.current) return;
    const { placeholder, lineNumbers: numbered, extra, expressions, wrap } = latest.current;
    const made = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          common,
          LANGUAGES[language](),
          bidiIsolates(),
          single
            ? EditorState.transactionFilter.of((transaction) =>
                transaction.newDoc.lines > 1 ? [] : transaction,
              )
            : [highlightActiveLine(), language === "text" ? [] : lintGutter()],
          numbered ? lineNumbers() : [],
          placeholder ? placeholderText(placeholder) : [],
          autocompletion({
            override: [(context) => latest.current.complete?.(context) ?? null],
            icons: false,
          }),
          keymap.of([
            ...closeBracketsKeymap,
            ...KEYS,
            ...searchKeymap,
            ...historyKeymap,
            ...completionKeymap,
            ...(single ? [] : [indentWithTab]),
          ]),
          reading.current.of(told(latest.current)),
          expressions ? expressionsShown : [],
          wrap ? EditorView.lineWrapping : [],
          EditorView.clipboardInputFilter.of((text) => latest.current.taking?.(text) ?? text),
          EditorView.updateListener.of((update) => {
            const { onChange, onLine, onFocus, onBlur } = latest.current;
            if (update.docChanged && !update.transactions.some((one) => one.annotation(OUTSIDE))) {
              onChange?.(update.state.doc.toString());
            }
            if (update.selectionSet && onLine) {
              onLine(update.state.doc.lineAt(update.state.selection.main.head).number);
            }
            if (update.focusChanged) (update.view.hasFocus ? onFocus : onBlur)?.();
          }),
          extra ?? [],
        ],
      }),
    });
    view.current = made;
    latest.current.onView?.(made);
    return () => {
      latest.current.onView?.(null);
      view.current = null;
      made.destroy();
    };
  }, [language, single]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: these four are what is told
  useEffect(() => {
    view.current?.dispatch({ effects: reading.current.reconfigure(told(latest.current)) });
  }, [label, readOnly, describedBy, invalid]);

  useEffect(() => {
    const current = view.current;
    if (!current || current.state.doc.toString() === value) return;
    current.dispatch({
      changes: { from: 0, to: current.state.doc.length, insert: value },
      annotations: OUTSIDE.of(true),
    });
  }, [value]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: problems stand in the text as it is now
  useEffect(() => {
    const current = view.current;
    if (!current) return;
    current.dispatch(setDiagnostics(current.state, (problems ?? []).map(place(current.state))));
  }, [problems, value]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: lines are marked in the text as it is now
  useEffect(() => {
    const current = view.current;
    if (!current || marked === undefined) return;
    current.dispatch({ effects: setMarked.of(marked) });
    if (!marked || marked[0] > current.state.doc.lines) return;
    const at = current.state.doc.line(Math.max(1, marked[0])).from;
    // Once the lines that are there have been measured: before, their heights are guesses.
    const frame = requestAnimationFrame(() => {
      if (view.current !== current || isInView(current, at)) return;
      // What scrolls by itself leaves the page around it where it is.
      const { maxHeight, fill } = latest.current;
      if (maxHeight || fill) scrollWithin(current, at);
      else current.dispatch({ effects: EditorView.scrollIntoView(at, { y: "center" }) });
    });
    return () => cancelAnimationFrame(frame);
  }, [marked?.[0], marked?.[1], value]);

  const { minHeight, maxHeight, fill } = props;
  return (
    <div
      ref={host}
      className={
        fill
          ? "h-full overflow-hidden [&_.cm-editor]:h-full"
          : "overflow-hidden rounded-control border border-line-strong bg-surface focus-within:border-accent [&_.cm-scroller]:max-h-(--most) [&_.cm-content]:min-h-(--least)!"
      }
      style={
        {
          "--least": `${minHeight ?? (single ? 30 : 64)}px`,
          "--most": maxHeight ? `${maxHeight}px` : "none",
        } as React.CSSProperties
      }
    />
  );
}

export type CodeDiffProps = { before: string; after: string; language: Language; label: string };

export function CodeDiff({ before, after, language, label }: CodeDiffProps) {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!host.current) return;
    const view = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: after,
        extensions: [
          syntaxHighlighting(COLOURS),
          THEME,
          LANGUAGES[language](),
          bidiIsolates(),
          lineNumbers(),
          readOnlyOf(true),
          EditorView.contentAttributes.of({ "aria-label": label }),
          unifiedMergeView({
            original: before,
            mergeControls: false,
            gutter: true,
            collapseUnchanged: { margin: 3, minSize: 6 },
          }),
        ],
      }),
    });
    return () => view.destroy();
  }, [before, after, language, label]);
  return <div ref={host} className="overflow-auto" />;
}
