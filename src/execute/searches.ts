/**
 * What searches find and cost by the indexes that an action reaches, measured before it begins and
 * when it is verified.
 */
import { measureIndex } from "../sense/collect/measure-index.ts";
import type { SearchFigure, SearchFigures, Verification } from "../model/verification.ts";
import type { Host } from "../host/host.ts";
import type { Action } from "../model/action.ts";
import type { Collection } from "../model/collection.ts";
import { SqlError } from "../base/errors.ts";
import { printable } from "../base/text.ts";
import { lostSearches, recallHealth } from "../sense/assess/recall-health.ts";
import { costHealth } from "../sense/cost.ts";
import { notTraffic } from "../sense/activity/activity.ts";
import { vectorIndexes } from "../sense/collect/centroids.ts";
import type { Sample } from "../sense/sample.ts";
import { type Compared, fallen, harm } from "../verify/harm.ts";
import { isOfIndex, LISTS_OF, partsOf, RECALL_OF } from "../verify/parts.ts";
import { figureErrors, mean } from "../verify/searches.ts";
import { strategyNamed } from "../strategies/registry.ts";
import { jobsOf } from "../store/jobs.ts";
import { tickSeconds } from "../store/ticks.ts";

/** Vector indexes that the action rebuilds, or whose table it gives rows. */
function reachedIndexes(
  host: Host,
  collection: Collection,
  action: Action,
): ReturnType<typeof vectorIndexes> {
  const reach = strategyNamed(action.strategy_name).reaches?.(action.plan);
  if (!reach || reach.indexes.length + reach.partitions.length === 0) return [];
  return vectorIndexes(host, collection).filter(
    ({ index, partition }) => reach.indexes.includes(index) || reach.partitions.includes(partition),
  );
}

/**
 * Of as many indexes as recall_budget_ms allows; one at least. Those that cannot be measured now
 * are left out.
 */
export function searchFigures(host: Host, collection: Collection, action: Action): SearchFigures {
  const reached = reachedIndexes(host, collection, action);
  if (reached.length === 0) return {};
  const figures: Record<string, SearchFigure> = {};
  const ends = host.now() + collection.settings.recall_budget_ms;
  notTraffic(host, collection, () => {
    for (const { index, oid } of reached) {
      const left = ends - host.now();
      if (left <= 0) break;
      const figure = figureOf(host, collection, oid, left);
      if (figure) figures[index] = figure;
    }
  });
  return figures;
}

/** Ticks in which each had its turn, twice over: one that cannot be measured is not waited for. */
const patienceSeconds = (host: Host, indexes: number): number =>
  Math.max(60, 2 * (indexes + 5) * tickSeconds(host));

/**
 * Weak indexes, and searches with filters, whose figures are from before the action:
 * recall_budget_ms is over after some of many, and a depth that served all of twenty, or a scan
 * that all of six filters got their rows by, was taken back for those whose turn had not come.
 */
export function notYetMeasured(
  host: Host,
  { settings }: Collection,
  { strategy_name, stabilize_until, now }: Action,
  { snapshot: { centroids, searches } }: Sample,
): readonly string[] {
  if (stabilize_until === null || !strategyNamed(strategy_name).remeasures.includes("centroids"))
    return [];
  const isOld = ({ measured_at }: { readonly measured_at?: number | null }): boolean =>
    measured_at != null && measured_at < stabilize_until;
  const indexes = centroids.filter(
    (group) =>
      isOld(group) &&
      Math.min(recallHealth(group, settings) ?? 1, costHealth(group, settings) ?? 1) < 1,
  );
  const old = [
    ...indexes.map(({ index }) => printable(index, 200)),
    ...lostSearches(searches, settings)
      .filter(isOld)
      .map(({ text }) => `WHERE ${printable(text, 200)}`),
  ];
  const patience = patienceSeconds(host, centroids.length + searches.length);
  return now < stabilize_until + patience ? old : [];
}

function figureOf(
  host: Host,
  collection: Collection,
  oid: string,
  budget_ms: number,
): SearchFigure | null {
  const { recall_k: k, recall_samples: samples, recall_probes: probes } = collection.settings;
  try {
    const found = measureIndex(host, collection, oid, {
      k,
      samples,
      probes,
      budget_ms,
      occupancy: false,
      cost: true,
    });
    if ("why" in found || found.samples === 0) return null;
    const { rows, recall, blocks, takes, index_name, probes: used } = found;
    return {
      rows,
      probes: used,
      k,
      recall,
      ...figureErrors(found),
      blocks: blocks && mean(blocks),
      table_blocks: found.pages ?? null,
      planner: plannerTakes(takes, index_name),
    };
  } catch (error) {
    // Locked, or not to be read: then it is not judged, and the verification says so.
    if (error instanceof SqlError) return null;
    throw error;
  }
}

/** Whether the planner takes the index that was measured. */
function plannerTakes(takes: string | null, index: string): SearchFigure["planner"] {
  if (takes === index) return "this";
  return takes === null ? "none" : "other";
}

/** The parts of the graph then and now, and which of them the action may be judged by. */
function comparedParts(
  host: Host,
  collection: Collection,
  action: Action,
  { snapshot }: Sample,
): Omit<Compared, "searches"> {
  const { settings } = collection;
  const { health } = action.system_metrics;
  const ofIndex = (index: string): string[] => [`${LISTS_OF}${index}`, `${RECALL_OF}${index}`];
  return {
    parts: {
      before: health ?? {},
      after: health === undefined ? {} : partsOf(snapshot, settings),
    },
    reached: reachedIndexes(host, collection, action).flatMap(({ index }) => ofIndex(index)),
    own: builtBy(action).flatMap(ofIndex),
    stress_threshold: settings.stress_threshold,
    abort_ratio: settings.abort_ratio,
    verify_ratio: settings.verify_ratio,
  };
}

const builtBy = ({ strategy_name, plan }: Action): readonly string[] =>
  strategyNamed(strategy_name).reaches?.(plan).indexes ?? [];

/** Looks whether anything else got worse since the action began. */
export function verifyHarm(
  host: Host,
  collection: Collection,
  action: Action,
  sample: Sample,
): Verification {
  const { searches: before } = action.system_metrics;
  return harm({
    ...comparedParts(host, collection, action, sample),
    searches: {
      before: before ?? {},
      after:
        before && Object.keys(before).length > 0 ? searchFigures(host, collection, action) : {},
    },
  });
}

/** An action that builds indexes, by jobs. */
export const builds = (action: Action): boolean => builtBy(action).length > 0;

/**
 * Whether an action builds indexes, and all that fell since it began are other indexes, or none of
 * its jobs has begun. Replicas, memory and maintenance may have fallen by the build.
 */
export function fellBeside(
  host: Host,
  collection: Collection,
  action: Action,
  sample: Sample,
): boolean {
  if (!builds(action)) return false;
  if (jobsOf(host, action.id).every(({ started_at }) => started_at === null)) return true;
  const { parts, reached, stress_threshold, abort_ratio } = comparedParts(
    host,
    collection,
    action,
    sample,
  );
  const down = fallen(parts.before, parts.after, stress_threshold, abort_ratio);
  return down.length > 0 && down.every((part) => isOfIndex(part) && !reached.includes(part));
}
