/** With how many lists an index is built anew, and what that takes. */
import type { CentroidGroup, IndexMeasurement } from "../../sense/vector-index.ts";
import { count, list } from "../../base/text.ts";
import { COST_RATIO, foreseenBlocks } from "../../verify/searches.ts";
import type { NothingToDo } from "../strategy.ts";
import type { IndexFacts } from "./indexes.ts";

/** pgvector's limit of lists, and of probes. */
export const MAX_LISTS = 32_768;

/** Lists for each one that a search looks at. */
const LISTS_PER_PROBE = 4;

/** Fewer are not worth an index, and could not be told apart by the classifier's count. */
const MIN_LISTS = 10;

/** pgvector's advice: rows / 1000 up to a million rows, above that the square root. */
export const listsFor = (rows: number): number =>
  Math.min(
    MAX_LISTS,
    Math.max(MIN_LISTS, Math.round(rows <= 1_000_000 ? rows / 1000 : Math.sqrt(rows))),
  );

/**
 * Memory of pgvector's k-means (Elkan): the sample (50 rows a list, 10,000 at least), two sets of
 * centers, a lower bound for each sample and center, and the distances between centers.
 */
export function buildMemory(rows: number, lists: number, vectorBytes: number): number {
  const samples = Math.min(rows, Math.max(10_000, 50 * lists));
  return samples * (vectorBytes + 4 * lists + 8) + lists * (2 * vectorBytes + 4 * lists + 12);
}

/**
 * pgvector's advice, then what the index has now; never fewer than four times the probes: a search
 * that looks at more than a quarter of all lists costs so much that the planner takes a sequential
 * scan instead. What would cost more than now, were all lists as full, is not built.
 */
export function listsToTry(
  { index }: CentroidGroup,
  { rows, probes, search_blocks }: IndexMeasurement,
  facts: IndexFacts,
  asked: number | undefined,
  anyCost = false,
): readonly number[] | NothingToDo {
  const most = Math.max(probes, facts.probes_set ?? 0);
  const least = LISTS_PER_PROBE * most;
  const so = `searches look at ${count(most, "list")} (ivfflat.probes)`;
  if (least > MAX_LISTS)
    return {
      nothing: `${so}: there cannot be ${LISTS_PER_PROBE} times as many`,
      hint: "Fewer probes, or no ivfflat index: these searches read most of the table.",
    };
  if (asked !== undefined && asked < least) {
    return {
      nothing:
        `${asked} lists are too few for ${index}: ${so}, and with fewer than ${least} lists ` +
        "the planner reads the whole table instead",
      hint: `{"lists": ${least}} or more; or fewer probes.`,
    };
  }
  const wanted =
    asked !== undefined
      ? [asked]
      : [...new Set([listsFor(rows), facts.lists].map((lists) => Math.max(lists, least)))];
  const costs = wanted.map((lists) =>
    facts.vector_bytes === null ? 0 : foreseenBlocks(rows, lists, probes, facts.vector_bytes),
  );
  // An index of an older version's measurement, or where blocks are not counted: the comparison
  // decides.
  const fits = wanted.filter(
    (_, place) => anyCost || search_blocks == null || costs[place]! <= COST_RATIO * search_blocks,
  );
  if (fits.length > 0) return fits;
  return {
    nothing:
      `with ${list(wanted.map(String))} lists a search by ${index} would read ` +
      `${list(costs.map((cost) => `${Math.ceil(cost)}`))} blocks at least; it reads ` +
      `${Math.round(search_blocks!)} now`,
    hint:
      'More lists cost less to search and find less with the same probes: params {"lists": ' +
      "...} tries a number.",
  };
}
