/**
 * What has a search with a filter return its rows: the filter is asked of what the index scan comes
 * by, and a scan that ends after ef_search (probes) rows has few that match. Either it scans
 * deeper, or it goes on until there are enough (iterative scans of pgvector 0.8).
 *
 * strict_order alone is set by itself: rows keep the order that the statement asked for.
 * relaxed_order finds a little more, and returns rows out of the order of an ORDER BY that some
 * application relies on; nobody would be told. It is set where somebody asks for it. ivfflat has
 * no other: there the loop looks deeper.
 */
import { type CurveIndex, SAMPLES, valuesOf } from "../../sense/recall-curve.ts";
import { measureIndex } from "../../sense/collect/measure-index.ts";
import { measureSearch, settingName } from "../../sense/collect/searches.ts";
import { whyNot } from "../../sense/collect/unreadable-index.ts";
import { notTraffic } from "../../sense/activity/activity.ts";
import type { CentroidGroup, FilteredSearch, SearchMeasurement } from "../../sense/vector-index.ts";
import type { Collection } from "../../model/collection.ts";
import type { Search } from "../../model/recall.ts";
import type { Host } from "../../host/host.ts";
import { SqlError } from "../../base/errors.ts";
import { figures } from "../../classify/findings.ts";
import type { NothingToDo } from "../strategy.ts";
import { indexByHand, whatWasTried } from "./by-hand.ts";
import { searchFinds } from "../../sense/assess/recall-health.ts";
import type { Means, SearchPoint, Tried, TunedSearch } from "./tried.ts";

const pointOf = ({ recall, returned, blocks, ms }: SearchMeasurement): SearchPoint => ({
  recall: recall ?? 0,
  returned: returned ?? 0,
  blocks,
  ms,
});

/** A table that is locked or may not be read is no error of a plan, nor of a look at a lease. */
export function searched(
  host: Host,
  collection: Collection,
  one: { readonly search: Search; readonly oid: string },
  settings: Readonly<Record<string, string>>,
  more: { readonly for_more?: boolean; readonly against?: SearchMeasurement } = {},
): SearchMeasurement | { readonly why: string } {
  const { recall_samples, recall_budget_ms } = collection.settings;
  try {
    return notTraffic(host, collection, () =>
      measureSearch(host, collection, one, {
        samples: Math.max(SAMPLES, recall_samples),
        budget_ms: 10 * recall_budget_ms,
        settings,
        ...more,
      }),
    );
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return { why: whyNot(host, error) };
  }
}

const ITERATIVE = { hnsw: "hnsw.iterative_scan", ivfflat: "ivfflat.iterative_scan" } as const;

/** The values of a setting to try one after the other: the first that serves is the cheapest. */
type Ladder = readonly Means[];

/** @param asked the iterative scan that somebody asked for: no other means then */
function laddersOf(
  one: CurveIndex,
  settings: SearchMeasurement["settings"],
  asked: string | undefined,
): readonly Ladder[] {
  const { method } = one;
  const scan = ITERATIVE[method];
  const was = settings[scan];
  const steps = (setting: string, values: readonly number[]): Ladder =>
    values.map((value) => ({ setting, value: String(value), was: settings[setting] ?? "" }));
  if (asked !== undefined) return was === undefined ? [] : [[{ setting: scan, value: asked, was }]];
  const now = Number(settings[settingName(method)]);
  const deeper = valuesOf({ ...one, probes: now }).filter((value) => value > now);
  const tuples = Number(settings["hnsw.max_scan_tuples"]);
  return [
    ...(method === "hnsw" && was === "off"
      ? [[{ setting: scan, value: "strict_order", was }]]
      : []),
    // It goes on already, and ends too early.
    ...(method === "hnsw" && was !== undefined && was !== "off"
      ? [steps("hnsw.max_scan_tuples", moreTuples(tuples))]
      : []),
    steps(settingName(method), deeper),
  ];
}

/** pgvector's own: 16 times the 200 that somebody had set is far less than a scan may look at. */
const DEFAULT_TUPLES = 20_000;

export const moreTuples = (now: number): readonly number[] => [
  4 * now,
  16 * now,
  ...(16 * now < DEFAULT_TUPLES ? [DEFAULT_TUPLES] : []),
];

const cost = ({ blocks, ms }: SearchMeasurement): number => blocks ?? ms ?? 0;
const found = ({ recall, asked }: SearchMeasurement): number => (recall ?? 0) * (asked ?? 0);

/**
 * A search that returns one row of ten does a tenth of its work: what it may cost is asked by each
 * row that it finds. null: it found none.
 */
const costOfEach = (before: SearchMeasurement, after: SearchMeasurement): number | null =>
  found(before) > 0 && cost(before) > 0 && found(after) > 0
    ? cost(after) / found(after) / (cost(before) / found(before))
    : null;

/** Searches with the filter and searches without are taken to be as many. */
const inAll = (before: SearchMeasurement, { after, plain }: Tried): number =>
  cost(after) / Math.max(1e-9, cost(before)) + plain;

/**
 * Deeper scans are deeper for all searches, with a filter or without. One that has its rows goes on
 * no further, iterative or not.
 */
function plainCost(
  host: Host,
  collection: Collection,
  oid: string,
  { setting, value, was }: Means,
): Pick<Tried, "plain" | "turns"> {
  if (!/\.(ef_search|probes)$/.test(setting)) return { plain: 1, turns: false };
  const { recall_k: k, recall_samples: samples, recall_budget_ms } = collection.settings;
  const at = (probes: string) => {
    const answer = notTraffic(host, collection, () =>
      measureIndex(host, collection, oid, {
        k,
        samples,
        probes: Number(probes),
        budget_ms: 10 * recall_budget_ms,
        occupancy: false,
        exact: false,
        cost: true,
      }),
    );
    return "why" in answer
      ? null
      : {
          cost: answer.search_blocks ?? answer.index_ms ?? 0,
          taken: answer.takes === answer.index_name,
        };
  };
  const [before, after] = [at(was), at(value)];
  // Not known: as many times as deep.
  if (!before?.cost || !after) return { plain: Number(value) / Number(was), turns: false };
  return { plain: after.cost / before.cost, turns: before.taken && !after.taken };
}

/**
 * What searches without a filter find once the scan goes on: past dead rows, too. Without it a
 * filter and dead rows, each enough to keep lambda at its least, had every plan foresee 0.01 of
 * 0.01, and none was begun; what came was 0.55.
 * @returns recall by the index's name, of those that find too little
 */
export function goingOn(
  host: Host,
  collection: Collection,
  lost: readonly (CentroidGroup & { readonly oid: string })[],
  { setting, value }: Means,
): ReadonlyMap<string, number> {
  const { recall_k: k, recall_samples, recall_budget_ms } = collection.settings;
  const found = new Map<string, number>();
  for (const { index, oid, method, measured } of lost) {
    if (measured === null || setting !== ITERATIVE[method]) continue;
    const answer = notTraffic(host, collection, () =>
      measureIndex(host, collection, oid, {
        k,
        samples: Math.max(SAMPLES, recall_samples),
        probes: measured.probes,
        iterative: value,
        budget_ms: 10 * recall_budget_ms,
        occupancy: false,
      }),
    );
    if (!("why" in answer) && answer.recall !== null) found.set(index, answer.recall);
  }
  return found;
}

/** The means that has this search find what is due, at the least cost. */
export function meansFor(
  host: Host,
  collection: Collection,
  one: FilteredSearch,
  index: CurveIndex,
  asked: string | undefined,
): { readonly means: Means; readonly tuned: TunedSearch } | NothingToDo {
  const named = `searches WHERE ${one.text}`;
  const before = searched(host, collection, one, {}, { for_more: true });
  if ("why" in before)
    return { nothing: `${named} could not be made: ${before.why}`, hint: "The next sample." };
  const due = one.due ?? 1;
  const { settings } = collection;
  if (searchFinds(before, due, settings))
    return {
      nothing: `${named} find what is due: ${figures(before.recall ?? 1)} of ${figures(due)}`,
      hint: "The next sample looks at it again.",
    };
  const { search_cost_ratio: most } = settings;
  const tried: Tried[] = [];
  for (const ladder of laddersOf(index, before.settings, asked)) {
    for (const means of ladder) {
      const { setting, value } = means;
      const after = searched(host, collection, one, { [setting]: value }, { against: before });
      if ("why" in after) break;
      const { plain, turns } = plainCost(host, collection, one.oid, means);
      tried.push({ means, after, each: costOfEach(before, after), plain, turns });
      // Deeper costs more yet.
      if (searchFinds(after, due, settings) || plain > most || turns) break;
    }
  }
  const serves = tried
    // Where the planner turns away from the index, it is by an estimate that the next ANALYZE may
    // turn back; an index on the columns of the filter has it do so for good (the hint).
    .filter(({ after, turns }) => after.indexes.length > 0 && !turns)
    .filter(({ after }) => searchFinds(after, due, settings))
    .filter(({ each, plain }) => (each ?? 0) <= most && plain <= most)
    .sort((a, b) => inAll(before, a) - inAll(before, b));
  const [best] = serves;
  if (!best)
    return {
      nothing: `${named} ${whatWasTried(host, { before, tried, due }, collection)}`,
      hint: indexByHand(host, collection, one.search),
    };
  return { means: best.means, tuned: tunedOf(one, due, before, best.after) };
}

/** Another search, where the same means serves it; null: it does not, or nothing is missing. */
export function servedBy(
  host: Host,
  collection: Collection,
  one: FilteredSearch,
  { setting, value }: Means,
): TunedSearch | null {
  const before = searched(host, collection, one, {}, { for_more: true });
  if ("why" in before) return null;
  const after = searched(host, collection, one, { [setting]: value }, { against: before });
  const due = one.due ?? 1;
  const { settings } = collection;
  return "why" in after ||
    !searchFinds(after, due, settings) ||
    (costOfEach(before, after) ?? 0) > settings.search_cost_ratio
    ? null
    : tunedOf(one, due, before, after);
}

const tunedOf = (
  { search, text, oid }: FilteredSearch,
  due: number,
  before: SearchMeasurement,
  after: SearchMeasurement,
): TunedSearch => ({
  search,
  text,
  index: before.indexes[0] ?? "",
  oid,
  due,
  before: pointOf(before),
  after: pointOf(after),
});
