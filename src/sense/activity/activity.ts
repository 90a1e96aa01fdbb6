/**
 * Activity of a collection's partitions between samples: begun before the collectors, closed behind
 * them.
 */
import type { ActivityMemory } from "./memory.ts";
import sql from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import { mark, lastMeasurement, keepMeasurement } from "../../store/measurements.ts";
import { readCounters } from "./counters.ts";
import { follow, later } from "./follow.ts";
import { followUse } from "./use.ts";

const KIND = "activity";

/**
 * What happened since the last sample. Our own collectors read the tables too; `closeActivity`
 * takes the counters again when they are done, so that the next interval begins behind them.
 * @param all every partition; `judged` those whose traffic is compared
 */
export function openActivity(
  host: Host,
  collection: Collection,
  all: readonly string[],
  judged: readonly string[],
): ActivityMemory {
  const { at } = host.one<{ at: number }>(
    sql`SELECT extract(epoch FROM clock_timestamp())::float8 AS at`,
  );
  const previous = lastMeasurement<ActivityMemory>(host, collection.id, KIND)?.value ?? null;
  const counters = readCounters(host, all);
  const known = previous?.use ?? {};
  return {
    ...follow(previous, counters, at, judged, collection.settings),
    // An interval with moves of ours says nothing.
    use: previous?.moved ? known : followUse(known, previous?.counters ?? null, counters, at),
  };
}

export function closeActivity(host: Host, collection: Collection, memory: ActivityMemory): void {
  keepMeasurement<ActivityMemory>(host, collection.id, KIND, {
    ...memory,
    counters: readCounters(host, Object.keys(memory.counters)),
  });
}

/**
 * Reads of our own between two samples, which are nobody's traffic: the interval under way begins
 * as much later by the counters.
 */
export function notTraffic<T>(host: Host, collection: Collection, work: () => T): T {
  const memory = lastMeasurement<ActivityMemory>(host, collection.id, KIND)?.value;
  if (!memory) return work();
  const relids = Object.keys(memory.counters);
  const before = readCounters(host, relids);
  const done = work();
  keepMeasurement<ActivityMemory>(host, collection.id, KIND, {
    ...memory,
    counters: later(memory.counters, before, readCounters(host, relids)),
  });
  return done;
}

/**
 * Rows were moved by us: what the counters gained by it is not traffic. In the transaction of the
 * move.
 */
export function markMoved(host: Host, collection: Collection): void {
  mark(host, collection.id, KIND, "moved");
}
