/**
 * The parts of a collection's graph, each with its health: what lambda, the worst of them, hides.
 */
import type { PartsHealth } from "../model/verification.ts";
import type { Configuration } from "../model/configuration.ts";
import { centroidGroups } from "../sense/assess/centroids.ts";
import { maintenanceGroup } from "../sense/assess/maintenance.ts";
import { recallHealth } from "../sense/assess/recall-health.ts";
import { partitionGroup } from "../sense/assess/partitions.ts";
import { replicaLinks } from "../sense/assess/replicas.ts";
import type { Snapshot } from "../sense/snapshot.ts";

export const LISTS_OF = "the fullest list of ";
export const RECALL_OF = "recall of ";

export const isOfIndex = (part: string): boolean =>
  part.startsWith(LISTS_OF) || part.startsWith(RECALL_OF);

const least = (values: readonly (number | null)[]): number | null => {
  const known = values.filter((value): value is number => value !== null);
  return known.length > 0 ? Math.min(...known) : null;
};

export function partsOf(snapshot: Snapshot, configuration: Configuration): PartsHealth {
  const partitions = partitionGroup(snapshot, configuration);
  const maintenance = maintenanceGroup(snapshot, configuration);
  const indexes = snapshot.centroids.filter(({ method }) => method === "ivfflat");
  return Object.fromEntries([
    ...partitions.members.map(({ label, health }) => [`partition ${label}`, health] as const),
    ["memory and index fragmentation", partitions.hubHealth] as const,
    ...centroidGroups(snapshot, configuration).map(
      ({ members }, place) =>
        [
          `${LISTS_OF}${indexes[place]!.index}`,
          least(members.map(({ health }) => health)),
        ] as const,
    ),
    ...snapshot.centroids.map(
      (group) => [`${RECALL_OF}${group.index}`, recallHealth(group, configuration)] as const,
    ),
    [
      "maintenance",
      least([maintenance.hubHealth, ...maintenance.members.map(({ health }) => health)]),
    ] as const,
    ...replicaLinks(snapshot, configuration).map(
      ({ label, health }) => [`replica ${label}`, health] as const,
    ),
  ]);
}

/** Those that are not whole: what an action's row keeps. */
export const ailing = (parts: PartsHealth): PartsHealth =>
  Object.fromEntries(Object.entries(parts).filter(([, health]) => health === null || health < 1));
