/** The plan of tune_search, once it is known what to set: what it foresees, and says of itself. */
import { list } from "../../base/text.ts";
import type { Plan } from "../../model/action.ts";
import type { CurvePoint } from "../../sense/recall-curve.ts";
import type { CentroidGroup } from "../../sense/vector-index.ts";
import { foresee } from "../foresee.ts";
import type { PlanRequest } from "../strategy.ts";
import type { TunedSearch } from "./tried.ts";
import type { Scope } from "./setting.ts";

type Request = Omit<PlanRequest, "params">;

export interface TunePlan extends Plan {
  readonly setting: string;
  readonly value: number | string;
  /** Roles that get it in this database, the table's owner first. */
  readonly roles: readonly string[];
  readonly indexes: readonly {
    readonly index: string;
    readonly oid: string;
    readonly due: number;
    readonly before: CurvePoint;
    readonly after: CurvePoint;
  }[];
  /** Searches with filters that it is set for; plans of older versions have none. */
  readonly searches?: readonly TunedSearch[];
  /** What was in effect, where it is set for searches with filters. */
  readonly was?: string;
}

export interface Tuned {
  readonly group: CentroidGroup;
  readonly oid: string;
  readonly before: CurvePoint;
  readonly after: CurvePoint;
}

interface Found {
  readonly setting: string;
  readonly value: number | string;
  readonly was?: string;
  readonly fits: readonly Tuned[];
  readonly searches: readonly TunedSearch[];
  /** What other indexes find with it, by their names. */
  readonly goingOn?: ReadonlyMap<string, number>;
}

export function planOf(
  { collection: { settings }, snapshot, tick_seconds }: Request,
  scope: Scope,
  found: Found,
): TunePlan {
  const { setting, value, was, fits, searches } = found;
  return {
    strategy: "tune_search",
    rows: 0,
    bytes: 0,
    wal_bytes: 1024 * scope.roles.length,
    relation_locks: 0,
    ...foresee(foreseen(snapshot, found), settings),
    estimated_duration_seconds: Math.ceil(2 * tick_seconds + settings.stabilize_seconds),
    locks: locksText(scope, setting, value),
    setting,
    value,
    ...(was !== undefined && { was }),
    roles: scope.roles,
    indexes: fits.map(({ group, oid, before, after }) => ({
      index: group.index,
      oid,
      due: group.baseline!,
      before,
      after,
    })),
    ...(searches.length > 0 && { searches }),
  };
}

/** The snapshot with the recall that was measured at the value. */
const foreseen = (
  snapshot: Request["snapshot"],
  { fits, searches, goingOn }: Found,
): Request["snapshot"] => ({
  ...snapshot,
  centroids: snapshot.centroids.map((group) => {
    const recall =
      fits.find((one) => one.group.index === group.index)?.after.recall ??
      goingOn?.get(group.index);
    return recall !== undefined && group.measured
      ? { ...group, measured: { ...group.measured, recall } }
      : group;
  }),
  searches: snapshot.searches.map((one) => {
    const found = searches.find(({ text, oid }) => text === one.text && oid === one.oid);
    return found && one.measured
      ? { ...one, measured: { ...one.measured, recall: found.after.recall } }
      : one;
  }),
});

const locksText = (
  { roles, database }: Scope,
  setting: string,
  value: number | string,
): string[] => [
  `none on the table: ${setting} = ${value} for ${list(roles)} in database ${database}, from ` +
    "their next session on; sessions that are open keep what they have",
  `it holds for all of their searches there, those of other tables too`,
  ...(value === "relaxed_order"
    ? ["rows of a search may come a little out of the order of its ORDER BY"]
    : []),
];
