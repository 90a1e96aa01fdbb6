/** What the page knows, and how old that is. */
import type { CollectionDetail } from "../../status-data/collection.ts";
import type { Overview } from "../../status-data/documents.ts";

export interface Trouble {
  /**
   * server: this page's own server does not answer; database: it does, and the database does not.
   */
  readonly kind: "server" | "database";
  readonly message: string;
  readonly hint: string | null;
  /** Since when, by this browser's clock. */
  readonly since: number;
}

export interface Model {
  overview: Overview | null;
  /** When it came, by this browser's clock. */
  received: number;
  trouble: Trouble | null;
  detail: CollectionDetail | null;
  explanation: {
    readonly key: string;
    readonly text: string | null;
    readonly error: string | null;
  } | null;
  notFound: string | null;
  minutes: number;
  width: number;
  filter: Filter;
  asked: Asked | null;
  /** What came of the last thing that was asked for here. */
  said: { readonly text: string; readonly tone: "normal" | "stress" | "critical" } | null;
  curve: Curve | null;
}

/** What of the overview is looked for. */
export interface Filter {
  readonly text: string;
  readonly only: "all" | "attention" | "healthy";
}

/** A decision that waits to be confirmed, or is under way. */
export interface Asked {
  readonly verb: "approve" | "reject" | "abort";
  readonly action: number;
  readonly doing: boolean;
}

/** A recall curve that was asked for. */
export interface Curve {
  readonly collection: string;
  readonly points: readonly CurvePoint[] | null;
  readonly error: string | null;
}

export interface CurvePoint {
  readonly index_: string;
  readonly method: string;
  readonly setting: string;
  readonly value: number;
  readonly recall: number | null;
  readonly ms: number | null;
  readonly blocks: number | null;
  readonly planner_uses_it: boolean | null;
  readonly current: boolean | null;
  readonly note: string | null;
}

export const found = ({ text }: Filter, ...words: readonly (string | null)[]): boolean =>
  text
    .toLowerCase()
    .split(/\s+/)
    .every((part) => words.some((word) => word?.toLowerCase().includes(part)));

/** The database's clock now: ages go on while nothing new comes. */
export const databaseNow = ({ overview, received }: Model): number =>
  overview ? overview.now + (Date.now() - received) : Date.now();

/** Polled every 3 s: after three misses what is shown counts as old. */
export const OLD_AFTER = 12_000;

export const isOld = (model: Model): boolean =>
  model.overview === null || model.trouble !== null || Date.now() - model.received > OLD_AFTER;

export type Route =
  | { readonly view: "overview" }
  | { readonly view: "collection"; readonly name: string; readonly why: boolean }
  | { readonly view: "action"; readonly id: string }
  | { readonly view: "report"; readonly days: number };

export function routeOf(hash: string): Route {
  const action = /^#\/a\/(\d+)$/.exec(hash);
  if (action) return { view: "action", id: action[1]! };
  const report = /^#\/report(?:\/(1|7|30))?$/.exec(hash);
  if (report) return { view: "report", days: Number(report[1] ?? 7) };
  const collection = /^#\/c\/([^/]+)(\/why)?$/.exec(hash);
  if (collection) {
    try {
      return {
        view: "collection",
        name: decodeURIComponent(collection[1]!),
        why: collection[2] !== undefined,
      };
    } catch {
      return { view: "overview" };
    }
  }
  return { view: "overview" };
}

export const collectionLink = (name: string): string =>
  `#/c/${encodeURIComponent(name).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)}`;
