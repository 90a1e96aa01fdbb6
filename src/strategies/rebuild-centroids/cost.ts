/** What searches by a new index cost beside those by the old one. */
import { attemptsOf, type Target } from "./target.ts";
import type { SearchCosts } from "../../sense/collect/measure-index.ts";
import type { IndexMeasurement } from "../../sense/vector-index.ts";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import { count, short } from "../../base/text.ts";
import {
  compareSearches,
  COST_RATIO,
  type CostComparison,
  costText,
  type Searches,
} from "../../verify/searches.ts";
import { asked } from "./compare.ts";
import type { IndexFacts } from "./indexes.ts";
import { MAX_LISTS } from "./lists.ts";
import { type OldSearches, type RebuildProgress, refused } from "./shared.ts";

/** The best of so many rounds is a search's time; blocks are the same in each. */
const ROUNDS = 3;

type Measured = IndexMeasurement & SearchCosts;

export interface Cost extends CostComparison {
  /** What speaks against the new index; null: nothing. */
  readonly veto: string | null;
}

interface Pair {
  readonly old: IndexFacts;
  readonly built: IndexFacts;
  readonly target: Target;
  readonly progress: RebuildProgress;
}

/** Both are searched in turns, so that what else the machine does meets both. */
export function compareCost(host: Host, collection: Collection, pair: Pair): Cost {
  const { old, built, target, progress } = pair;
  const samples = progress.before!.samples;
  const rounds = Array.from(
    { length: ROUNDS },
    () =>
      [
        searchedNow(host, collection, old.oid, samples, progress),
        searches(host, collection, built.oid, samples),
      ] as const,
  );
  const gain = target.due === undefined ? 1 : gainOf(progress);
  const cost = compareSearches(
    best(rounds.map(([one]) => one)),
    best(rounds.map(([, one]) => one)),
    gain,
  );
  const unplanned = notTaken(host, collection, pair, rounds[0]!);
  const dear =
    cost.worse !== null &&
    !(
      target.whole &&
      evenedOut(
        cost,
        progress.costs.filter(({ whole }) => whole === target.whole!.oid),
      )
    );
  return {
    ...cost,
    veto:
      unplanned ??
      (dear
        ? `a search would take ${costText(cost)} (${short(COST_RATIO * gain)} times as much is ` +
          "allowed)"
        : null),
  };
}

/** How many times as many neighbours the new one finds; 1 at least. */
const gainOf = ({ before, after }: RebuildProgress): number =>
  Math.max(1, after!.recall / Math.max(before!.recall, after!.recall / MOST_GAIN));

/** One that found nothing is no measure of what a search may cost. */
const MOST_GAIN = 10;

/**
 * A search of the whole table reads all parts of its index: one may cost more where others cost
 * less.
 */
function evenedOut({ before, after }: CostComparison, others: RebuildProgress["costs"]): boolean {
  const sum = (end: "before" | "after"): number =>
    [{ before, after }, ...others].reduce((total, one) => total + (one[end].blocks ?? NaN), 0);
  return sum("after") <= COST_RATIO * sum("before");
}

/** The old index beside the new one; where the planner only takes that, as it was before it. */
function searchedNow(
  host: Host,
  collection: Collection,
  oid: string,
  samples: number,
  { searched }: RebuildProgress,
): OldSearches {
  const answer = tried(host, collection, oid, samples);
  if (!("why" in answer)) return answer;
  if (searched) return searched;
  throw uncomparable(answer.why);
}

/** What is kept of the old index before the new one is built. */
export function searchesOf(
  host: Host,
  collection: Collection,
  oid: string,
  samples: number,
): OldSearches | null {
  const answer = tried(host, collection, oid, samples);
  if ("why" in answer) return null;
  const { blocks, searches_ms, takes, index_name, probes } = answer;
  return { blocks, searches_ms, takes, index_name, probes };
}

function searches(host: Host, collection: Collection, oid: string, samples: number): Measured {
  const answer = tried(host, collection, oid, samples);
  if ("why" in answer) throw uncomparable(answer.why);
  return answer;
}

const uncomparable = (why: string) =>
  refused(
    `what its searches cost could not be measured: ${why}`,
    "What cannot be compared is not exchanged.",
  );

function tried(
  host: Host,
  collection: Collection,
  oid: string,
  samples: number,
): Measured | { readonly why: string } {
  return asked(host, collection, oid, {
    samples,
    exact: false,
    cost: true,
    budget_ms: collection.settings.recall_budget_ms,
  });
}

/** Of as many searches as every round made. */
function best(rounds: readonly OldSearches[]): Searches {
  const made = Math.min(...rounds.map(({ searches_ms }) => searches_ms.length));
  return {
    blocks: rounds[0]!.blocks?.slice(0, made) ?? null,
    ms: Array.from({ length: made }, (_, place) =>
      Math.min(...rounds.map(({ searches_ms }) => searches_ms[place]!)),
    ),
  };
}

/**
 * Whether the planner would leave the new index for something else. While both are there it can
 * only be asked about the cheaper one. Where that is the old one, it is asked at as many probes as
 * make the old one look at the share of its lists that a search by the new one would: pgvector's
 * estimate goes by that share, and both hold the same rows. An index that searches do not use now
 * (a small table, a better one beside it) cannot be missed.
 */
function notTaken(
  host: Host,
  collection: Collection,
  { old, target, progress }: Pair,
  [was, is]: readonly [OldSearches, OldSearches],
): string | null {
  if (is.takes !== was.index_name) return null;
  const lists = attemptsOf(target)[progress.attempt]!["lists"];
  const probes =
    lists === undefined
      ? was.probes
      : Math.max(1, Math.min(MAX_LISTS, Math.ceil((was.probes * old.lists) / lists)));
  const then = asked(host, collection, old.oid, { samples: 1, probes, exact: false, cost: true });
  const takes = "why" in then ? null : then.takes;
  if (takes === was.index_name || takes === is.index_name) return null;
  return (
    `the planner would take ${takes ?? "a sequential scan"} in its place with ` +
    `${count(was.probes, "probe")}`
  );
}
