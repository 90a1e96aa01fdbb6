/**
 * What a search by a vector index should cost. Pure. The least that it cost at the same settings is
 * where suspicion comes from; what a fresh build on the rows of now costs decides, since data that
 * come closer together are dearer to search by any index.
 */
import type { Configuration } from "../model/configuration.ts";
import { type HealthCurve, health } from "../graph/health.ts";
import { blocksError, errorsOf } from "./sampling.ts";
import {
  type CentroidGroup,
  type IndexMeasurement,
  sameDepth,
  type TrialMeasurement,
} from "./vector-index.ts";

/** The least that searches cost which found what was due. */
export interface LeastCost {
  readonly probes: number;
  readonly iterative?: string | null;
  readonly k: number;
  readonly blocks: number;
  /** Of so many rows. */
  readonly rows: number;
}

/** Settings of which that is kept: tune_search goes from one to another and back. */
const KEPT = 4;

/** Seconds for which a trial says what a fresh index costs now; the day after one it is renewed. */
export const TRIAL_HOLDS = 2 * 86_400;

/** Of blocks no less than this nobody notices twice as many: a list of one page, or of two. */
const FEW_BLOCKS = 20;

/**
 * Of fewer rows autovacuum leaves more dead ones than make searches dear: 50 and a fifth of the
 * rows. Of 3 rows with 45 dead ones beside them a search read 75 blocks in 0.3 ms, where a fresh
 * index asked for 9: critical, and rebuilt.
 */
const FEW_ROWS = 250;

/** Standard errors that what a trial's searches cost may be off by, whatever number it made. */
const TRIAL_ERRORS = 2;

/** A drill asks for 1.2, and some for 1: figures of two measurements differ by a tenth. */
const LEAST_RATIO = 1.5;

/**
 * Stress at search_cost_ratio, over the logarithm: by default fine up to 1.68 times, critical at
 * 5.66 times.
 */
export function costCurve({ search_cost_ratio }: Pick<Configuration, "search_cost_ratio">) {
  const stress = Math.max(LEAST_RATIO, search_cost_ratio);
  return {
    fine: stress ** 0.75,
    stress,
    critical: stress ** 2.5,
    scale: "log",
  } as const satisfies HealthCurve;
}

/** More rows cost more, those of an ivfflat index as many times as there are more of them. */
const grown = (blocks: number, then: number, now: number): number =>
  blocks * Math.max(1, now / Math.max(1, then));

/** What is remembered, with a measurement that found what was due. */
export function withCost(
  known: readonly LeastCost[],
  measured: IndexMeasurement,
): readonly LeastCost[] {
  const { probes, iterative, k, rows, search_blocks: blocks } = measured;
  if (blocks == null || rows <= 0) return known;
  const before = known.find((one) => sameDepth(one, measured));
  const others = known.filter((one) => one !== before);
  const least =
    before && grown(before.blocks, before.rows, rows) <= blocks
      ? before
      : { probes, ...(iterative && { iterative }), k, blocks, rows };
  return [least, ...others].slice(0, KEPT);
}

interface Known {
  readonly costs: readonly LeastCost[];
  readonly trial: TrialMeasurement | null;
}

const leastNow = (measured: IndexMeasurement, costs: readonly LeastCost[]): number | null => {
  const least = costs.find((one) => sameDepth(one, measured));
  return least ? grown(least.blocks, least.rows, measured.rows) : null;
};

/**
 * What a fresh build costs, as tried. On a part of the rows, or where their number is an estimate,
 * that is a guess, which accuses none that costs what it did since it was built: the more of both.
 */
function freshNow(measured: IndexMeasurement, { costs, trial }: Known): number | null {
  if (trial?.blocks == null || !sameDepth(trial, measured)) return null;
  const fresh = grown(trial.blocks, trial.rows, measured.rows);
  if (trial.sampled === trial.rows) return fresh;
  const least = leastNow(measured, costs);
  return least === null ? null : Math.max(fresh, least);
}

/** @param sure less what so few searches may be off by */
function isDear(
  measured: IndexMeasurement,
  due: number,
  settings: Configuration,
  sure: boolean,
): boolean {
  const { search_blocks: blocks, rows, samples } = measured;
  if (blocks == null || rows < FEW_ROWS || blocks <= FEW_BLOCKS) return false;
  // Lists differ: the one that a single search met was five times as long as the mean.
  const off = sure
    ? errorsOf(samples) * blocksError(blocks, measured.search_blocks_error, samples)
    : 0;
  return blocks - off > costCurve(settings).fine * due;
}

/** Whether searches cost so much more than they did, or by a trial, that another is to be made. */
export function isSuspect(
  measured: IndexMeasurement,
  known: Known,
  settings: Configuration,
): boolean {
  const due = [leastNow(measured, known.costs), freshNow(measured, known)].filter(
    (blocks) => blocks !== null,
  );
  return due.length > 0 && isDear(measured, Math.min(...due), settings, false);
}

/**
 * Blocks that a search should read; null: no trial tells, and without one nobody is accused.
 * @param at when it was measured, seconds since 1970
 */
export const dueBlocks = (
  measured: IndexMeasurement | null,
  known: Known,
  at: number,
): number | null =>
  measured !== null && known.trial !== null && at - known.trial.at <= TRIAL_HOLDS
    ? freshNow(measured, known)
    : null;

/**
 * Blocks that a search is foreseen to read once the index is built anew: what was due of the old
 * one is of the new. Without, lambda 0.27 was foreseen to become 0.30, and became 1.
 */
export function blocksAsBuilt({ measured, due_blocks }: CentroidGroup): number | null {
  const blocks = measured?.search_blocks;
  return blocks == null ? null : Math.min(blocks, due_blocks ?? blocks);
}

/** Health of what searches cost; null: not known what they should. */
export function costHealth(
  { measured, due_blocks: due, trial }: CentroidGroup,
  settings: Configuration,
): number | null {
  const blocks = measured?.search_blocks;
  if (blocks == null || due == null || due <= 0) return null;
  // Its searches are of other rows than the index's own, and may have met the shorter lists.
  const off = trial?.blocks ? (TRIAL_ERRORS * (trial.blocks_error ?? 0)) / trial.blocks : 0;
  return isDear(measured!, due * (1 + off), settings, true)
    ? health(blocks / due, costCurve(settings))
    : 1;
}
