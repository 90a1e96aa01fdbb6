/**
 * What searches cost before and after a change: blocks decide, because they are the same however
 * busy the machine is. Pure.
 */
import { short } from "../base/text.ts";
import { blocksError, errorsOf, type Found, recallError } from "../sense/sampling.ts";

/** Searches may cost so much more than before, no more. */
export const COST_RATIO = 1.1;

/** Some clocks tell whole milliseconds only. */
const CLOCK_MS = 1;

/**
 * The same searches made by two indexes: place by place the same rows. One that ran out of time
 * made fewer.
 */
export interface Searches {
  /** Blocks of each search; null: not counted. */
  readonly blocks: readonly number[] | null;
  /** Milliseconds of each, the best of several rounds. */
  readonly ms: readonly number[];
}

export interface SearchCost {
  /** Mean blocks, and the median of the milliseconds; null: not known. */
  readonly blocks: number | null;
  readonly ms: number | null;
}

export interface CostComparison {
  readonly before: SearchCost;
  readonly after: SearchCost;
  /** By which figure the new one costs too much; null: it does not. */
  readonly worse: "blocks" | "time" | null;
}

export const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, one) => sum + one, 0) / values.length;

/** The value with a share of the others below it. */
export function quantile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
}

export const costOf = ({ blocks, ms }: Searches): SearchCost => ({
  blocks: blocks && mean(blocks),
  ms: quantile(ms, 0.5),
});

/** Standard error of a mean; 0 where there is too little to tell. */
export function standardError(values: readonly number[]): number {
  const middle = mean(values);
  if (middle === null || values.length < 2) return 0;
  return Math.sqrt(
    values.reduce((sum, one) => sum + (one - middle) ** 2, 0) / (values.length - 1) / values.length,
  );
}

/**
 * The errors of what is compared before and after an action, as two of which are as sure as two of
 * many searches: one search each, of other rows after a move, had an action undone for its luck.
 */
export function figureErrors({
  blocks,
  ...found
}: Found & { readonly blocks: readonly number[] | null }): {
  readonly recall_error: number;
  readonly blocks_error: number | null;
} {
  const { samples } = found;
  const few = errorsOf(samples) / 2;
  const error = blocks && standardError(blocks);
  return {
    recall_error: few * recallError(found),
    blocks_error: blocks && few * blocksError(mean(blocks) ?? 0, error, samples),
  };
}

/**
 * Blocks above 1.1 times: worse. Time is noise for the most part (on a busy machine two rounds of
 * the same searches differ by 30 % and more), so it speaks only where three of four searches took
 * above 1.1 times as long, and a millisecond: then it is not the machine.
 * @param gain how many times as many neighbours are found: what finds more may cost as much more
 */
export function compareSearches(before: Searches, after: Searches, gain = 1): CostComparison {
  const made = Math.min(before.ms.length, after.ms.length);
  const cut = ({ blocks, ms }: Searches): Searches => ({
    blocks: blocks?.slice(0, made) ?? null,
    ms: ms.slice(0, made),
  });
  const [was, is] = [costOf(cut(before)), costOf(cut(after))];
  const dearer =
    was.blocks !== null && is.blocks !== null && is.blocks > COST_RATIO * gain * was.blocks;
  const longer = before.ms
    .slice(0, made)
    .map((ms, place) => after.ms[place]! - COST_RATIO * gain * ms);
  const slower = (quantile(longer, 0.25) ?? 0) > CLOCK_MS;
  const byTime = slower ? "time" : null;
  return { before: was, after: is, worse: dearer ? "blocks" : byTime };
}

/** "310 blocks instead of 120" */
export function costText({ before, after, worse }: CostComparison): string {
  const [unit, was, is] =
    worse === "time" ? ["ms", before.ms, after.ms] : ["blocks", before.blocks, after.blocks];
  return was === null || is === null
    ? "not known"
    : `${short(is)} ${unit} instead of ${short(was)}`;
}

/**
 * Least blocks that a search reads of an ivfflat index with so many lists, were all of them as
 * full: the centers, and the lists it looks at. Lists that are not as full cost more, since there
 * is more to look for in a fuller one.
 */
export function foreseenBlocks(
  rows: number,
  lists: number,
  probes: number,
  vectorBytes: number,
): number {
  // Of 8,192 bytes a page's header and special space leave 8,160; beside its vector an entry (a
  // center, too) has 8 bytes and a line pointer of 4.
  const perPage = Math.max(1, Math.floor(8160 / (Math.ceil((8 + vectorBytes) / 8) * 8 + 4)));
  return lists / perPage + Math.min(probes, lists) * Math.max(1, rows / lists / perPage);
}
