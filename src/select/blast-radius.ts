/**
 * What is left of the blast radius: of the action, of its collection's hour, and of the hour of the
 * whole installation.
 */
import type { Configuration } from "../model/configuration.ts";
import type { Host } from "../host/host.ts";
import type { Plan } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";
import { COST_KEYS, type Cost, NO_COST, plus, type Radius } from "../model/cost.ts";
import { amountsWritten } from "../store/steps.ts";

export type ScopeName = "action" | "collection" | "server";

/** One limit with what counts against it already, each by the setting that holds it. */
export interface Scope {
  readonly name: ScopeName;
  readonly used: Cost;
  readonly limits: Cost;
  readonly settings: Readonly<Record<keyof Cost, keyof Configuration>>;
  /**
   * Seconds since 1970: when the oldest of what counts leaves the hour; null: nothing does, or time
   * does not matter.
   */
  readonly frees_at: number | null;
}

const SETTINGS = {
  action: {
    rows: "max_moves",
    bytes: "max_bytes_per_action",
    wal_bytes: "max_wal_bytes_per_action",
  },
  collection: {
    rows: "max_rows_per_hour",
    bytes: "max_bytes_per_hour",
    wal_bytes: "max_wal_bytes_per_hour",
  },
  server: {
    rows: "max_server_rows_per_hour",
    bytes: "max_server_bytes_per_hour",
    wal_bytes: "max_server_wal_bytes_per_hour",
  },
} as const satisfies Record<ScopeName, Record<keyof Cost, keyof Configuration>>;

/**
 * @param actionId the action that asks, whose own share is counted as the action's; null: it is
 *   being planned, and what others that are under way have still to write counts as written
 */
export function readScopes(
  host: Host,
  { id, settings }: Collection,
  actionId: string | null,
): Scope[] {
  const found = amountsWritten(host, id, actionId);
  const scope = (name: ScopeName, used: Cost, frees_at: number | null): Scope => ({
    name,
    used,
    frees_at,
    settings: SETTINGS[name],
    limits: {
      rows: settings[SETTINGS[name].rows],
      bytes: settings[SETTINGS[name].bytes],
      wal_bytes: settings[SETTINGS[name].wal_bytes],
    },
  });
  return [
    scope("action", actionId === null ? NO_COST : found.action, null),
    scope("collection", found.collection, found.collection.frees_at),
    scope("server", plus(found.server, found.planned), found.server.frees_at),
  ];
}

/** The least of what is left in all scopes; never below 0. */
export function radiusLeft(scopes: readonly Scope[], settings: Configuration): Radius {
  const left = (key: keyof Cost): number =>
    Math.max(0, Math.min(...scopes.map(({ limits, used }) => limits[key] - used[key])));
  return {
    rows: left("rows"),
    bytes: left("bytes"),
    wal_bytes: left("wal_bytes"),
    relation_locks: settings.max_locks_per_action,
  };
}

export const costOf = (plan: Plan): Cost => ({
  rows: plan.rows_moved ?? 0,
  bytes: plan.bytes,
  wal_bytes: plan.wal_bytes,
});

/**
 * The first limit that a cost would go beyond; null: none. Written so that what is no number is
 * beyond.
 */
export function beyond(
  scopes: readonly Scope[],
  cost: Cost,
): { readonly scope: Scope; readonly key: keyof Cost; readonly total: number } | null {
  for (const scope of scopes) {
    for (const key of COST_KEYS) {
      const total = scope.used[key] + cost[key];
      if (!(total <= scope.limits[key])) return { scope, key, total };
    }
  }
  return null;
}
