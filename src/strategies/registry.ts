import { nearest } from "../base/nearest.ts";
import { HealingError } from "../base/errors.ts";
import type { Strategy } from "./strategy.ts";
import { compactIndexes } from "./compact-indexes/strategy.ts";
import { drainHotPartition } from "./drain-hot-partition/strategy.ts";
import { evictColdData } from "./evict-cold-data/strategy.ts";
import { pauseMaintenance } from "./pause-maintenance/strategy.ts";
import { rebalancePartitions } from "./rebalance-partitions/strategy.ts";
import { rebuildCentroids } from "./rebuild-centroids/strategy.ts";
import { scaleReplicas } from "./scale-replicas/strategy.ts";
import { throttleIngestion } from "./throttle-ingestion/strategy.ts";
import { rebuildIndex } from "./rebuild-index/strategy.ts";
import { tuneSearch } from "./tune-search/strategy.ts";
import { vacuumIndex } from "./vacuum-index/strategy.ts";

/** Every strategy there is. A new one is a folder under `strategies/` and a line here. */
export const STRATEGIES: readonly Strategy[] = [
  rebalancePartitions,
  rebuildCentroids,
  pauseMaintenance,
  throttleIngestion,
  evictColdData,
  compactIndexes,
  scaleReplicas,
  drainHotPartition,
  tuneSearch,
  vacuumIndex,
  rebuildIndex,
];

export const STRATEGY_NAMES: readonly string[] = STRATEGIES.map(({ name }) => name);

/** @throws HealingError RV004 with the nearest known name */
export function strategyNamed(name: unknown): Strategy {
  const found = STRATEGIES.find((strategy) => strategy.name === name);
  if (found) return found;
  throw new HealingError(
    "unknown_strategy",
    typeof name === "string"
      ? `there is no strategy "${name.slice(0, 200)}"`
      : "strategy must be a name",
    {
      detail:
        `Got ${JSON.stringify(name)?.slice(0, 200) ?? "nothing"}; known: ` +
        `${STRATEGY_NAMES.join(", ")}.`,
      hint:
        typeof name === "string"
          ? `Did you mean "${nearest(name, STRATEGY_NAMES)}"?`
          : "Name one of them; '{\"dry_run\": true}' as the third argument only says what it " +
            "would do.",
    },
  );
}
