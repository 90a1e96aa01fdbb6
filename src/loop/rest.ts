/**
 * Whether a collection may rest: while nothing of what it was found plainly healthy by has changed,
 * ticks start no JavaScript for it (sql/loop/rest.sql).
 */
import type { Host } from "../host/host.ts";
import type { Collection } from "../model/collection.ts";
import { CENTROIDS } from "../sense/collect/centroids.ts";
import { SEARCHES } from "../sense/collect/searches.ts";
import type { Sample } from "../sense/sample.ts";
import { keepRest, type Seen } from "../store/rests.ts";
import { weakEdges } from "../graph/witness.ts";

/** Seconds after which the clock may give a partition its share of the load: its month begins. */
const MOST_BY_CLOCK = 60;

/** The same while rates of traffic that has ended are still shown, above so many rows a second. */
const MOST_FADING = 15;
const SHOWN = 0.1;

/** @param before what the look went by, as it was when the look began */
export function rest(
  host: Host,
  collection: Collection,
  sample: Sample,
  before: Seen,
  began: number,
): void {
  if (before.seen === null || before.busy || !plainlyHealthy(collection, sample)) return;
  const { settings } = collection;
  const { snapshot } = sample;
  // Not fragmentation: of a table that nobody wrote to it is what it was.
  const stands = {
    ...(snapshot.centroids.length > 0 && { [CENTROIDS]: settings.recall_interval_seconds }),
    ...(snapshot.searches.length > 0 && { [SEARCHES]: settings.recall_interval_seconds }),
  };
  const ahead = snapshot.partitions.some(({ idle }) => idle === "no_rows_yet");
  const most = ahead ? MOST_BY_CLOCK : null;
  const fading = snapshot.partitions.some(
    ({ traffic }) => (traffic?.reads_per_second ?? 0) + (traffic?.writes_per_second ?? 0) > SHOWN,
  );
  keepRest(host, collection.id, before, {
    sample_id: sample.id,
    cron_run: snapshot.maintenance.cron_run,
    most_seconds: fading ? MOST_FADING : most,
    stands,
    duration_ms: host.now() - began,
    apart: settings.min_sample_interval_seconds,
  });
}

/**
 * No figure is beyond its fine line, and none could come there by the clock alone: what is smoothed
 * fades towards level, and what waits goes on waiting.
 */
function plainlyHealthy({ settings }: Collection, sample: Sample): boolean {
  const { state, source, reading, transition, degraded_at, snapshot } = sample;
  const { maintenance, memory, replicas } = snapshot;
  const { working_set_bytes } = sample.metrics.memory ?? {};
  return (
    state === "normal" &&
    source === "measured" &&
    Object.keys(snapshot.pushed).length === 0 &&
    reading.lambda === 1 &&
    transition === null &&
    degraded_at === null &&
    weakEdges(reading.witness).length === 0 &&
    replicas.length === 0 &&
    maintenance.backlog.length === 0 &&
    maintenance.blockers.length === 0 &&
    !maintenance.jobs.some((job) => job.waits || job.failing || job.blocked_recently) &&
    // Not before the second sample, which has it. The memory there is changes; shared buffers stay.
    typeof working_set_bytes === "number" &&
    100 * working_set_bytes <=
      settings.memory_pct[0] * Math.min(memory.shared_buffers_bytes, memory.cache_bytes)
  );
}
