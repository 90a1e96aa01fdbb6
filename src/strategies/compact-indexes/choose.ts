/** Which indexes compact_indexes rebuilds, worst first, and why the others are left out. */
import type { Collection } from "../../model/collection.ts";
import { count, list } from "../../base/text.ts";
import { fragmentedIndexes } from "../../sense/assess/paths.ts";
import type { IndexMeasurement } from "../../sense/collect/fragmentation.ts";
import type { Snapshot } from "../../sense/snapshot.ts";
import { whyNoCron } from "../../jobs/cron.ts";
import type { NothingToDo, PlanRequest } from "../strategy.ts";
import { type IndexFacts, readIndexes } from "./indexes.ts";

export type Request = Omit<PlanRequest, "params">;

/** The indexes that can be rebuilt, worst first. */
export interface Chosen {
  readonly usable: readonly IndexMeasurement[];
  readonly skipped: readonly { readonly index: string; readonly why: string }[];
  /** By oid. */
  readonly facts: ReadonlyMap<string, IndexFacts>;
}

export function choose(
  { host, collection, snapshot }: Request,
  named: readonly string[] | undefined,
): Chosen | NothingToDo {
  const { wanted, unknown } = candidates(snapshot, collection, named);
  if (wanted.length === 0) return nothingFragmented(snapshot, collection, unknown);
  const oids = wanted.map(({ oid }) => oid);
  const facts = new Map(readIndexes(host, oids).map((one) => [one.oid, one]));
  const skipped = [
    ...unknown.map((index) => ({
      index,
      why: "the collection has no such index that could be measured",
    })),
    ...wanted.flatMap((one) => whyNot(one, facts.get(one.oid))),
  ];
  const usable = wanted.filter((one) => whyNot(one, facts.get(one.oid)).length === 0);
  if (usable.length === 0)
    return {
      nothing:
        "none of the fragmented indexes can be rebuilt: " +
        `${skipped.map(({ index, why }) => `${index}: ${why}`).join("; ")}`,
      hint: "Another measurement, after fragmentation_interval_seconds.",
    };
  const missing = whyNoCron(host);
  const commands = usable.map(({ index }) => `REINDEX INDEX CONCURRENTLY ${index};`);
  if (missing)
    return {
      nothing:
        `${missing.reason}: REINDEX CONCURRENTLY cannot run inside a function. ` +
        `${missing.detail}`,
      hint: `${missing.hint} Or by hand: ${commands.join(" ")}`,
    };
  return { usable, skipped, facts };
}

/** Worst first. A pushed list decides where there is one, names in params before either. */
function candidates(
  snapshot: Snapshot,
  collection: Collection,
  named: readonly string[] | undefined,
): { wanted: IndexMeasurement[]; unknown: string[] } {
  const names = named ?? snapshot.pushed.fragmented_indexes;
  if (names === undefined)
    return { wanted: [...fragmentedIndexes(snapshot, collection.settings)], unknown: [] };
  const wanted: IndexMeasurement[] = [];
  const unknown: string[] = [];
  for (const name of new Set(names)) {
    const found =
      snapshot.indexes.find(({ index }) => index === name) ??
      snapshot.indexes.find(({ index }) => index.endsWith(`.${name}`));
    if (found) wanted.push(found);
    else unknown.push(name);
  }
  return { wanted, unknown };
}

function whyNot(
  { index }: IndexMeasurement,
  facts: IndexFacts | undefined,
): { index: string; why: string }[] {
  if (!facts) return [{ index, why: "it was dropped or rebuilt since it was measured" }];
  if (!facts.valid) return [{ index, why: "it is invalid" }];
  if (facts.exclusion)
    return [
      {
        index,
        why: "it belongs to an exclusion constraint, which REINDEX CONCURRENTLY does not support",
      },
    ];
  return [];
}

function nothingFragmented(
  { indexes, unmeasured }: Snapshot,
  { settings }: Collection,
  unknown: readonly string[],
): NothingToDo {
  if (unknown.length > 0)
    return {
      nothing: `the collection has no such index that could be measured: ${list(unknown)}`,
      hint:
        "SELECT value FROM ruvector.integrity_measurements WHERE kind = 'fragmentation'; lists " +
        "them.",
    };
  const known = indexes.filter(({ fragmentation_pct }) => fragmentation_pct !== null);
  const worst = known.reduce<IndexMeasurement | null>(
    (most, one) => (most === null || one.fragmentation_pct! > most.fragmentation_pct! ? one : most),
    null,
  );
  const [fine] = settings.fragmentation_pct;
  const gap = unmeasured.find(({ what }) => what.includes("fragmentation"));
  return {
    nothing:
      worst === null
        ? `no index could be measured: ${gap?.why ?? `${count(indexes.length, "index")} found`}`
        : `no index gives back more than ${fine} % when rebuilt: the worst, ${worst.index}, ` +
          `${worst.fragmentation_pct} %`,
    hint:
      'The first value of the setting fragmentation_pct is that limit; params {"indexes": ' +
      "[...]} rebuild what they name.",
  };
}
