/** The lists of each IVF index are a group: a list that is too full is a sick member. */
import { type Configuration, toCurve } from "../../configuration/configuration.ts";
import type { Metrics } from "../../model/problem.ts";
import { type GroupDescription, MAX_CENTROIDS_PER_GRAPH } from "../graph/contracted.ts";
import { health } from "../graph/health.ts";
import type { Snapshot } from "../snapshot.ts";

export function centroidGroups({ centroids, pushed }: Snapshot, configuration: Configuration): GroupDescription[] {
  const share = Math.max(1, Math.floor(MAX_CENTROIDS_PER_GRAPH / Math.max(1, centroids.length)));
  return centroids.map(({ index, lists }) => {
    const nodes = Math.min(lists, share);
    return {
      kind: "centroid",
      hubHealth: null,
      members: Array.from({ length: nodes }, (_, place) => {
        const first = Math.floor((place * lists) / nodes);
        const last = Math.floor(((place + 1) * lists) / nodes) - 1;
        const id = `centroid:${index}:${first}`;
        return {
          id,
          label: first === last ? `${index} list ${first}` : `${index} lists ${first}-${last}`,
          mass: 0,
          health: health(pushed.centroid_occupancy?.[id] ?? null, toCurve(configuration.list_occupancy, "log")),
        };
      }),
    };
  });
}

export const centroidMetrics = ({ pushed }: Snapshot): Pick<Metrics, "centroid_occupancy"> => ({
  centroid_occupancy: pushed.centroid_occupancy ?? {},
});
