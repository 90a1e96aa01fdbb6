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
}

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
