import type { MeasurementKind, PushedMetrics, Unmeasured } from "../../model/measured.ts";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import { closeActivity, openActivity } from "../activity/activity.ts";
import type { Snapshot } from "../snapshot.ts";
import { measureCentroids } from "./centroids.ts";
import { incompleteIndexes } from "./incomplete-indexes.ts";
import { invalidIndexes, unfinishedIndexes } from "./invalid-indexes.ts";
import { measureFragmentation } from "./fragmentation.ts";
import { readIdle } from "./idle.ts";
import { measureMaintenance } from "./maintenance.ts";
import { measureMemory } from "./memory.ts";
import { isCold, measurePartitions, partitionsOf, reachable } from "./partitions.ts";
import { measureSearches } from "./searches.ts";
import { unusedIndexes } from "./unused-indexes.ts";
import { measureReplicas } from "./replication.ts";

/**
 * Reads everything the sensor can see of a collection, in one go.
 * @param fresh kinds that are measured anew, where a collector would otherwise go by what it
 *   remembers
 */
export function takeSnapshot(
  host: Host,
  collection: Collection,
  pushed: PushedMetrics,
  fresh: ReadonlySet<MeasurementKind>,
): Snapshot {
  const leaves = partitionsOf(host, collection);
  const unlocked = reachable(host, collection);
  const idle = readIdle(host, collection, leaves, unlocked);
  const judged = leaves.filter((leaf) => !isCold(collection, leaf) && !idle.has(leaf.relid));
  const activity = openActivity(
    host,
    collection,
    leaves.map(({ relid }) => relid),
    judged.map(({ relid }) => relid),
  );
  const partitions = measurePartitions(host, collection, {
    partitions: leaves,
    idle,
    activity,
    open: unlocked,
    fresh: fresh.has("partitions"),
  });
  const centroids = measureCentroids(host, collection, fresh.has("centroids"));
  const searches = measureSearches(host, collection, centroids.value, fresh.has("centroids"));
  const replicas = measureReplicas(host, collection);
  const maintenance = measureMaintenance(host, collection);
  const indexes = measureFragmentation(host, collection, fresh.has("indexes"));
  const memory = measureMemory(host, collection, activity);
  const unmeasured: Unmeasured[] = [
    ...partitions.unmeasured,
    ...unlessPushed(centroids.unmeasured, pushed.centroid_occupancy),
    ...searches.unmeasured,
    ...unlessPushed(replicas.unmeasured, pushed.replication_lag_seconds),
    ...unlessPushed(maintenance.unmeasured, pushed.maintenance_queue_depth),
    ...unlessPushed(indexes.unmeasured, pushed.index_fragmentation_pct),
    ...unlessPushed(memory.unmeasured, pushed.memory_usage_pct),
  ];
  const unused = unusedIndexes(host, collection, activity.use ?? {});
  // Last, behind everything that reads the table.
  closeActivity(host, collection, activity);
  return {
    collection: collection.name,
    partitions: partitions.value.partitions,
    rows_source: partitions.value.rows_source,
    judges_load: collection.movable || collection.settings.judge_partition_load,
    loads_held: activity.moved === true || activity.settling !== null,
    centroids: centroids.value,
    ...unfinished(host, collection),
    searches: searches.value,
    unused_indexes: unused,
    replicas: replicas.value,
    maintenance: maintenance.value,
    indexes: indexes.value,
    memory: memory.value,
    pushed,
    unmeasured,
  };
}

const unfinished = (
  host: Host,
  collection: Collection,
): Pick<Snapshot, "invalid_indexes" | "incomplete_indexes"> => {
  const any = unfinishedIndexes(host, collection);
  return {
    invalid_indexes: any ? invalidIndexes(host, collection) : [],
    incomplete_indexes: any ? incompleteIndexes(host, collection) : [],
  };
};

/** What an outside monitor reports is not missing. */
const unlessPushed = (gaps: readonly Unmeasured[], pushed: unknown): readonly Unmeasured[] =>
  pushed === undefined ? gaps : [];
