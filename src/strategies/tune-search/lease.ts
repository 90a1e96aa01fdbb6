/** A tuned setting is a lease: looked at again, and taken back as soon as it is not needed. */
import type { Host } from "../../host/host.ts";
import type { Lease } from "../../model/lease.ts";
import type { Collection } from "../../model/collection.ts";
import { changePrevious, closeLease, extendLease, leasesOf } from "../../store/leases.ts";
import { activeAction } from "../../store/actions.ts";
import { overdueIndexes } from "../../store/built-indexes.ts";
import { outdateMeasurement } from "../../store/measurements.ts";
import { recallCurve } from "../../sense/recall-curve.ts";
import { CENTROIDS, type VectorIndex, vectorIndexes } from "../../sense/collect/centroids.ts";
import { searchText } from "../../collection/searches.ts";
import type { Search } from "../../model/recall.ts";
import { SEARCHES } from "../../sense/collect/searches.ts";
import { searched } from "./filtered.ts";
import {
  alterSetting,
  looksAsDeep,
  roleNow,
  roleOid,
  settingElsewhere,
  settingOf,
  whoseSetting,
} from "./setting.ts";
import { list } from "../../base/text.ts";

export const SEARCH_SETTING = "search_setting";

interface Reason {
  readonly index: string;
  readonly due: number;
  readonly file: string;
  /** The search with a filter that found too little by it; absent: searches without one. */
  readonly search?: Search;
}

/** What such a lease holds. */
export interface Tuning {
  /** As it was called then. */
  readonly role: string;
  /** Leases of older versions have none. */
  readonly role_oid?: string | null;
  readonly setting: string;
  readonly value: number | string;
  /** The indexes that it was made for, with what is due of each and the file they had then. */
  readonly indexes: readonly Reason[];
  /** The value that was in effect before, whoever's it was. */
  readonly untuned: number | string;
  /** Seconds since 1970. */
  readonly looked_at: number;
}

export const tuningOf = (lease: Lease): Tuning => lease.target as unknown as Tuning;

/** null: the role had no value of its own in this database. */
const previousOf = ({ previous }: Lease): string | null =>
  typeof previous["value"] === "string" ? previous["value"] : null;

const roleOf = (host: Host, lease: Lease): string => {
  const { role, role_oid } = tuningOf(lease);
  return roleNow(host, role_oid, role);
};

/** Another tuning of the same setting, later than this one. */
function onTopOf(host: Host, lease: Lease): Lease | undefined {
  const { setting } = tuningOf(lease);
  const role = roleOf(host, lease);
  return leasesOf(host, SEARCH_SETTING, null).find(
    (other) =>
      BigInt(other.id) > BigInt(lease.id) &&
      tuningOf(other).setting === setting &&
      roleOf(host, other) === role,
  );
}

/**
 * Puts back what the role had. What somebody set since is theirs, and stays; another tuning on top
 * of this one gets this one's past.
 */
export function putBack(host: Host, lease: Lease): boolean {
  const { setting, value, untuned } = tuningOf(lease);
  const role = roleOf(host, lease);
  const later = onTopOf(host, lease);
  // Where that one found something else there, somebody set it in between.
  if (later && previousOf(later) === String(value))
    changePrevious(host, later.id, {
      previous: lease.previous,
      target: { ...later.target, untuned },
    });
  else if (!later && settingOf(host, role, setting) === String(value))
    alterSetting(host, role, setting, previousOf(lease));
  // What was found with the value says nothing of searches without it.
  outdateMeasurement(host, lease.collection_id, CENTROIDS);
  outdateMeasurement(host, lease.collection_id, SEARCHES);
  return true;
}

/**
 * Looks again at what is tuned, where an index has been rebuilt since or tune_recheck_seconds have
 * passed: where the value before would do, it is put back.
 */
export function lookAgain(host: Host, collection: Collection): void {
  const leases = leasesOf(host, SEARCH_SETTING, collection.id);
  if (leases.length === 0) return;
  const { settings } = collection;
  // What it has done may be undone: an index that was exchanged, and is exchanged back at the end
  // of its verification, would be left without the depth that it needs. So would one that is kept
  // for a rollback: 0.71 was found at 130 before a rebuild, and 0.21 at 40 after its undo.
  const mayComeBack =
    activeAction(host, collection.id) !== null || overdueIndexes(host, collection.id, 0).length > 0;
  const there = vectorIndexes(host, collection);
  for (const lease of leases) {
    const over = overFor(host, collection, lease);
    if (over !== null) {
      closeLease(host, lease, putBack, over);
      continue;
    }
    if (mayComeBack) continue;
    const tuning = tuningOf(lease);
    const left = tuning.indexes.flatMap((reason) => {
      const one = indexOf(there, reason);
      return one ? [{ reason, one }] : [];
    });
    if (left.length === 0) {
      closeLease(host, lease, putBack, `${named(tuning.indexes)} is there no more`);
      continue;
    }
    const rebuilt = left.some(({ reason, one }) => one.file !== reason.file);
    const now = host.now() / 1000;
    if (!rebuilt && now - tuning.looked_at < settings.tune_recheck_seconds) continue;
    const needed = left.find(
      ({ reason, one }) => !doesUntuned(host, collection, one, { reason, tuning }),
    );
    if (needed) {
      extendLease(host, lease.id, settings.tune_seconds, {
        ...tuning,
        looked_at: now,
        indexes: left.map(({ reason, one: { index, file } }) => ({ ...reason, index, file })),
      });
      continue;
    }
    closeLease(
      host,
      lease,
      putBack,
      `not needed any more: ${tuning.setting} = ${tuning.untuned} finds what is due`,
    );
  }
}

const named = (reasons: readonly Reason[]): string =>
  list([...new Set(reasons.map(({ index }) => index))]);

/** One that was renamed is the same: its file is. One that was built anew has the name. */
const indexOf = (there: readonly VectorIndex[], { index, file }: Reason): VectorIndex | undefined =>
  there.find((one) => one.index === index) ?? there.find((one) => one.file === file);

/**
 * Why what was set stands for nothing any more, whatever searches find; null: it does. A lease that
 * goes on without its setting would say to the end of days that it is set.
 */
function overFor(host: Host, collection: Collection, lease: Lease): string | null {
  const { role, role_oid, setting, value } = tuningOf(lease);
  const now = roleNow(host, role_oid, role);
  if (roleOid(host, now) === null) return `role ${role} was dropped`;
  if (isInTheWay(host, lease)) return `${now} has as much of its own by now`;
  if (!onTopOf(host, lease) && settingOf(host, now, setting) !== String(value))
    return `${setting} of ${now} was set or reset by somebody`;
  const whose = whoseSetting(host, collection);
  if (!("nothing" in whose) && !whose.roles.includes(now))
    return `${now} does not own the table any more, and is none of tune_roles`;
  return null;
}

/** Somebody set as much for the role in all databases, or for the database: ours only hides it. */
function isInTheWay(host: Host, lease: Lease): boolean {
  if (previousOf(lease) !== null) return false;
  const { role, role_oid, setting, value } = tuningOf(lease);
  return looksAsDeep(settingElsewhere(host, roleNow(host, role_oid, role), setting), value);
}

/** Whether searches with the value from before find what is due; false: nobody can tell. */
function doesUntuned(
  host: Host,
  collection: Collection,
  one: VectorIndex,
  {
    reason: { due, search },
    tuning: { setting, untuned },
  }: { readonly reason: Reason; readonly tuning: Tuning },
): boolean {
  // Half way between what just meets it and all of it: what was lowered at the edge was raised
  // again a week later.
  const [fine] = collection.settings.recall;
  const enough = (recall: number): boolean => recall >= ((1 + fine) / 2) * due;
  if (search) {
    // Nobody names it any more.
    if (!collection.searches.some((named) => same(named, search))) return true;
    const found = searched(
      host,
      collection,
      { search, oid: one.oid },
      {
        [setting]: String(untuned),
      },
    );
    return !("why" in found) && (found.recall === null || enough(found.recall));
  }
  const value = Number(untuned);
  const curve = recallCurve(host, collection, { ...one, probes: value });
  if ("why" in curve) return false;
  const point = curve.points.find((other) => other.value === value);
  return point !== undefined && enough(point.recall);
}

const same = (a: Search, b: Search): boolean => searchText(a) === searchText(b) && a.k === b.k;

export const tuningText = (
  { role, setting, value }: Pick<Tuning, "role" | "setting" | "value">,
  was: string | null,
): string => `set ${setting} to ${value} for ${role} (was ${was ?? "not set"})`;
