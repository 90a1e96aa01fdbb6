/** A tuned setting is a lease: looked at again, and taken back as soon as it is not needed. */
import type { Host } from "../../host/host.ts";
import type { Lease } from "../../model/lease.ts";
import type { Collection } from "../../model/collection.ts";
import { changePrevious, closeLease, extendLease, leasesOf } from "../../store/leases.ts";
import { activeAction } from "../../store/actions.ts";
import { outdateMeasurement } from "../../store/measurements.ts";
import { recallCurve } from "../../sense/recall-curve.ts";
import { CENTROIDS, vectorIndexes } from "../../sense/collect/centroids.ts";
import { searchText } from "../../collection/searches.ts";
import type { Search } from "../../model/recall.ts";
import { SEARCHES } from "../../sense/collect/searches.ts";
import { searched } from "./filtered.ts";
import { alterSetting, looksAsDeep, roleNow, settingElsewhere, settingOf } from "./setting.ts";

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

/**
 * Puts back what the role had. What somebody set since is theirs, and stays; another tuning on top
 * of this one gets this one's past.
 */
export function putBack(host: Host, lease: Lease): boolean {
  const { setting, value, ...tuned } = tuningOf(lease);
  const role = roleNow(host, tuned.role_oid, tuned.role);
  const later = leasesOf(host, SEARCH_SETTING, null).find((other) => {
    const { role: named, role_oid, setting: theirs } = tuningOf(other);
    return (
      BigInt(other.id) > BigInt(lease.id) &&
      theirs === setting &&
      roleNow(host, role_oid, named) === role
    );
  });
  // Where that one found something else there, somebody set it in between.
  if (later && previousOf(later) === String(value)) changePrevious(host, later.id, lease.previous);
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
  // of its verification, would be left without the depth that it needs.
  const isAtWork = activeAction(host, collection.id) !== null;
  const there = new Map(vectorIndexes(host, collection).map((one) => [one.index, one]));
  for (const lease of leases) {
    const tuning = tuningOf(lease);
    if (isInTheWay(host, lease)) {
      closeLease(host, lease, putBack, `${tuning.role} has as much of its own by now`);
      continue;
    }
    if (isAtWork) continue;
    const rebuilt = tuning.indexes.some(
      ({ index, file }) => there.has(index) && there.get(index)!.file !== file,
    );
    const now = host.now() / 1000;
    if (!rebuilt && now - tuning.looked_at < settings.tune_recheck_seconds) continue;
    const left = tuning.indexes.filter(({ index }) => there.has(index));
    const needed = left.find((reason) => !doesUntuned(host, collection, reason, tuning));
    if (needed) {
      extendLease(host, lease.id, settings.tune_seconds, {
        ...tuning,
        looked_at: now,
        indexes: left.map((one) => ({ ...one, file: there.get(one.index)!.file })),
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
  { index, due, search }: Reason,
  { setting, untuned }: Tuning,
): boolean {
  const one = vectorIndexes(host, collection).find((other) => other.index === index);
  if (!one) return true;
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
