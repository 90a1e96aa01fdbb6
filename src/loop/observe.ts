/** A sample, and what follows the table from sample to sample: its name, its partitions' routes. */
import { followTable } from "../store/collections.ts";
import type { Host } from "../host/host.ts";
import type { Collection } from "../model/collection.ts";
import type { MeasurementKind } from "../model/measured.ts";
import {
  hottestFigure,
  loadCurve,
  loadRatios,
  workingPartitions,
} from "../sense/assess/partitions.ts";
import { type Sample, takeSample } from "../sense/sample.ts";
import type { Snapshot } from "../sense/snapshot.ts";
import { refreshRoutes, reopenRoutes } from "../store/routes.ts";

/**
 * Runs in the caller's transaction, under the collection's lock.
 * @param fresh kinds of measurement that must not come from memory
 */
export function observe(
  host: Host,
  collection: Collection,
  fresh: readonly MeasurementKind[] = [],
): Sample {
  const sample = takeSample(host, collection, fresh);
  followTable(host, collection);
  if (collection.partition_strategy === "list") followPartitions(host, collection, sample.snapshot);
  return sample;
}

function followPartitions(host: Host, collection: Collection, snapshot: Snapshot): void {
  refreshRoutes(
    host,
    collection.id,
    snapshot.partitions.filter(({ cold }) => !cold),
  );
  const working = workingPartitions(snapshot.partitions);
  const ratios = loadRatios(working);
  const { fine } = loadCurve(working.length, collection.settings);
  const level = (place: number): boolean =>
    (ratios[place]!.rows ?? 0) <= 1 && hottestFigure(ratios[place]!).ratio <= fine;
  const light = working
    .filter((_, place) => !snapshot.judges_load || level(place))
    .map(({ label }) => label);
  reopenRoutes(host, collection.id, light);
}
