/** What is looked at in watch, and what each key makes of it. */
import type { CollectionSeen, Overview } from "../status-data/documents.ts";

export interface View {
  /** The collection that is marked; null: the first. */
  readonly chosen: string | null;
  readonly filter: string;
  /** Keys go into the filter. */
  readonly typing: boolean;
  readonly attention: boolean;
  readonly paused: boolean;
  readonly help: boolean;
  /** One collection in detail, scrolled down so many lines. */
  readonly detail: { readonly name: string; readonly top: number } | null;
}

export const FIRST_VIEW: View = {
  chosen: null,
  filter: "",
  typing: false,
  attention: false,
  paused: false,
  help: false,
  detail: null,
};

export interface Key {
  readonly name?: string | undefined;
  readonly sequence?: string | undefined;
  readonly ctrl?: boolean | undefined;
}

export interface Pressed {
  readonly view: View;
  readonly effect: "quit" | "look" | "explain" | "suspend" | null;
}

/** Of the collections those that are looked for, as they are listed. */
export function listed(
  { collections, active }: Overview,
  { filter, attention }: View,
): CollectionSeen[] {
  const busy = new Set(active.map(({ collection }) => collection));
  const words = filter.toLowerCase().split(/\s+/);
  return collections.filter(
    (one) =>
      words.every((word) => `${one.name} ${one.verdict}`.toLowerCase().includes(word)) &&
      (!attention || one.verdict !== "healthy" || busy.has(one.name)),
  );
}

/** Where the mark is: what it was on may be gone. */
export const place = (rows: readonly CollectionSeen[], { chosen }: View): number =>
  Math.max(
    0,
    rows.findIndex(({ name }) => name === chosen),
  );

const PAGE = 10;
const MOVES: Readonly<Record<string, number>> = {
  up: -1,
  k: -1,
  down: 1,
  j: 1,
  pageup: -PAGE,
  pagedown: PAGE,
  home: -Infinity,
  end: Infinity,
};

/** @param overview null: nothing was read yet */
export function press(view: View, key: Key, overview: Overview | null): Pressed {
  const same = (changed: Partial<View>, effect: Pressed["effect"] = null): Pressed => ({
    view: { ...view, ...changed },
    effect,
  });
  if (key.ctrl === true && key.name === "c") return same({}, "quit");
  if (key.ctrl === true && key.name === "z") return same({}, "suspend");
  if (view.typing) return typed(view, key, same);
  const name = key.name ?? key.sequence ?? "";
  if (name in MOVES) return moved(view, MOVES[name]!, overview, same);
  switch (key.sequence === "?" || key.sequence === "/" ? key.sequence : name) {
    case "q":
      return same({}, "quit");
    case "escape":
    case "left":
    case "backspace":
      if (view.help) return same({ help: false });
      return view.detail ? same({ detail: null }) : same({ filter: "", attention: false });
    case "return":
    case "enter":
    case "right": {
      const one = overview && listed(overview, view)[place(listed(overview, view), view)];
      return one
        ? same({ detail: { name: one.name, top: 0 }, chosen: one.name }, "explain")
        : same({});
    }
    case "/":
      return same({ typing: true, detail: null });
    case "a":
      return same({ attention: !view.attention });
    case "p":
    case "space":
      return same({ paused: !view.paused }, view.paused ? "look" : null);
    case "r":
      return same({}, "look");
    case "?":
    case "h":
      return same({ help: !view.help });
    default:
      return same({});
  }
}

type Same = (changed: Partial<View>, effect?: Pressed["effect"]) => Pressed;

function typed({ filter }: View, key: Key, same: Same): Pressed {
  if (key.name === "return" || key.name === "enter") return same({ typing: false });
  if (key.name === "escape") return same({ typing: false, filter: "" });
  if (key.name === "backspace") return same({ filter: Array.from(filter).slice(0, -1).join("") });
  const text = key.sequence ?? "";
  const printable = key.ctrl !== true && /^[^\u0000-\u001f\u007f-\u009f]{1,4}$/u.test(text);
  return printable && filter.length < 60 ? same({ filter: filter + text }) : same({});
}

function moved(view: View, by: number, overview: Overview | null, same: Same): Pressed {
  const { detail } = view;
  if (detail) {
    const top = by === Infinity ? 100_000 : Math.max(0, detail.top + Math.max(by, -100_000));
    return same({ detail: { ...detail, top } });
  }
  const rows = overview === null ? [] : listed(overview, view);
  const at = Math.max(0, Math.min(rows.length - 1, place(rows, view) + by));
  return same({ chosen: rows[at]?.name ?? null });
}
