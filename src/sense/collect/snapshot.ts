import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import type { PushedMetrics, Snapshot, Unmeasured } from "../snapshot.ts";
import { measurePartitions } from "./partitions.ts";
import { readCentroids, readReplicas } from "./topology.ts";

/** Reads everything the sensor can see of a collection, in one go. */
export function takeSnapshot(host: Host, collection: Collection, pushed: PushedMetrics): Snapshot {
  const measured = measurePartitions(host, collection);
  const centroids = readCentroids(host, collection);
  const replicas = readReplicas(host);
  return {
    collection: collection.name,
    partitions: measured.partitions,
    rows_source: measured.rows_source,
    centroids,
    replicas,
    pushed,
    unmeasured: [...measured.unmeasured, ...gaps(pushed, centroids.length, replicas.length)],
  };
}

const PUSH = (key: string) => `Push it: SELECT ruvector_integrity_report('<collection>', '{"metrics": {"${key}": ...}}');`;

function gaps(pushed: PushedMetrics, centroids: number, replicas: number): Unmeasured[] {
  const missing: Unmeasured[] = [];
  const gap = (what: string, key: keyof PushedMetrics, there: boolean) => {
    if (there && pushed[key] === undefined) missing.push({ what, why: "no collector measures it yet", hint: PUSH(key) });
  };
  gap("centroid occupancy", "centroid_occupancy", centroids > 0);
  gap("replication lag", "replication_lag_seconds", replicas > 0);
  gap("maintenance queue", "maintenance_queue_depth", true);
  gap("memory use", "memory_usage_pct", true);
  gap("index fragmentation", "index_fragmentation_pct", true);
  return missing;
}
