/**
 * Whether something else got worse by an action that raised lambda. Blamed on it is only what it
 * reaches (docs/verification.md) and what its undo would give back; what else got worse meanwhile
 * is told, and not blamed. Pure.
 */
import type {
  PartsHealth,
  SearchFigure,
  SearchFigures,
  Verification,
} from "../model/verification.ts";
import { lambdaText, printable, short } from "../base/text.ts";
import { COST_RATIO } from "./searches.ts";
import { DEFAULT_CURVES } from "../graph/health.ts";
import { improved } from "../graph/improvement.ts";

/**
 * Rounding to whole pages: a search that reads this many blocks (64 KiB) more is none the worse.
 */
const SLACK_BLOCKS = 8;

/** The share of its recall that an index must keep: below it lambda would call it stress. */
const RECALL_KEPT = DEFAULT_CURVES.recall.stress;

/** Two standard errors: 20 sampled rows are few, and after rows have moved they are others. */
const ERRORS = 2;

/**
 * What got worse of the searches by one index. A table that took rows may cost as much more as it
 * has more rows.
 */
export function worseSearches(index: string, before: SearchFigure, after: SearchFigure): string[] {
  // With other probes it is another measure: the owner changed them meanwhile.
  if (before.probes !== after.probes || before.k !== after.k) return [];
  const name = printable(index, 200);
  const found: string[] = [];
  if (before.planner === "this" && after.planner === "none" && !smallerWhole(before, after))
    found.push(`the planner used ${name} and reads the whole table now`);
  if (before.blocks !== null && after.blocks !== null) {
    const may =
      COST_RATIO *
      before.blocks *
      Math.max(1, after.rows / Math.max(1, before.rows)) *
      gained(before, after);
    const noise =
      ERRORS *
      Math.hypot(
        after.blocks_error ?? 0,
        (may / Math.max(1, before.blocks)) * (before.blocks_error ?? 0),
      );
    if (after.blocks > may + noise + SLACK_BLOCKS)
      found.push(
        `searches by ${name} read ${short(after.blocks)} blocks instead of ` +
          `${short(before.blocks)} (for ${rows(before, after)})`,
      );
  }
  if (
    before.recall !== null &&
    after.recall !== null &&
    before.recall_error !== null &&
    after.recall_error !== null
  ) {
    const lost = before.recall - after.recall;
    if (
      after.recall < RECALL_KEPT * before.recall &&
      lost > ERRORS * Math.hypot(before.recall_error, after.recall_error)
    ) {
      found.push(
        `recall@${after.k} of ${name} fell from ${figure(before.recall)} to ` +
          `${figure(after.recall)}`,
      );
    }
  }
  return found;
}

/**
 * The whole table is less to read now than a search by the index was: a vacuum, or an index built
 * anew, has made it small, and the planner is right.
 */
const smallerWhole = (before: SearchFigure, after: SearchFigure): boolean =>
  before.blocks !== null && after.table_blocks != null && after.table_blocks < before.blocks;

/**
 * What finds more may cost as much more: an index built on nothing is cheap to search. 1 at least,
 * 10 at most.
 */
const gained = ({ recall: was }: SearchFigure, { recall: is }: SearchFigure): number =>
  was === null || is === null ? 1 : Math.min(10, Math.max(1, is / Math.max(was, 0.01)));

const figure = (value: number): string => String(Number(value.toFixed(3)));

const rows = (before: SearchFigure, after: SearchFigure): string =>
  before.rows === after.rows
    ? `${short(after.rows)} rows`
    : `${short(Math.round(after.rows))} rows instead of ${short(Math.round(before.rows))}`;

/** "public.i (120 -> 118 blocks, recall 0.92 -> 0.97)" */
function changed(index: string, before: SearchFigure, after: SearchFigure): string {
  const figures = [
    ...(before.blocks !== null && after.blocks !== null
      ? [`${short(before.blocks)} -> ${short(after.blocks)} blocks`]
      : []),
    ...(before.recall !== null && after.recall !== null
      ? [`recall ${figure(before.recall)} -> ${figure(after.recall)}`]
      : []),
  ];
  return `${printable(index, 200)}${figures.length > 0 ? ` (${figures.join(", ")})` : ""}`;
}

/** As many as fit a message. */
export const named = (texts: readonly string[]): string =>
  [...texts.slice(0, 5), ...(texts.length > 5 ? [`${texts.length - 5} more`] : [])].join(", ");

/** The parts that fell into stress, or deeper into it. */
export function fallen(
  before: PartsHealth,
  after: PartsHealth,
  stress: number,
  ratio: number,
): string[] {
  return Object.entries(after).flatMap(([part, now]) => {
    // Those that were whole are not kept.
    const was = before[part] === undefined ? 1 : before[part];
    if (was === null || now === null || now >= stress || now >= (was >= stress ? was : ratio * was))
      return [];
    return [part];
  });
}

export interface Compared {
  readonly searches: { readonly before: SearchFigures; readonly after: SearchFigures };
  readonly parts: { readonly before: PartsHealth; readonly after: PartsHealth };
  /** Names of parts that the action reaches. */
  readonly reached: readonly string[];
  /** Those of them that it is for: of the indexes that it builds anew. */
  readonly own: readonly string[];
  readonly stress_threshold: number;
  readonly abort_ratio: number;
  readonly verify_ratio: number;
}

/** None as long as one of them is sick: it has not done what it is for. */
function mendedOf({ parts, own, stress_threshold, verify_ratio }: Compared): readonly string[] {
  const sick = own.filter((part) => (parts.before[part] ?? 1) < stress_threshold);
  const isWell = sick.every((part) => {
    const now = parts.after[part] ?? null;
    return (
      now !== null && now >= stress_threshold && improved(parts.before[part]!, now, verify_ratio)
    );
  });
  return isWell ? sick : [];
}

export function harm(all: Compared): Verification {
  const { searches, parts, reached, stress_threshold, abort_ratio } = all;
  const indexes = Object.keys(searches.before);
  const compared = indexes.filter((index) => searches.after[index] !== undefined);
  const down = fallen(parts.before, parts.after, stress_threshold, abort_ratio);
  const told = (part: string, went = "fell"): string =>
    `${printable(part, 200)} ${went} from ${lambdaText(parts.before[part] ?? 1)} to ` +
    `${lambdaText(parts.after[part] ?? null)}`;
  const changes = compared.map((index) =>
    changed(index, searches.before[index]!, searches.after[index]!),
  );
  const missing = indexes.length - compared.length;
  return {
    worse: [
      ...compared.flatMap((index) =>
        worseSearches(index, searches.before[index]!, searches.after[index]!),
      ),
      ...down.filter((part) => reached.includes(part)).map((part) => told(part)),
    ],
    meanwhile: down.filter((part) => !reached.includes(part)).map((part) => told(part)),
    mended: mendedOf(all).map((part) => told(part, "rose")),
    looked_at: [
      ...(compared.length > 0 ? [`searches by ${named(changes)}`] : []),
      ...(missing > 0
        ? [
            `not the searches by ${missing} more: there was no time (recall_budget_ms), or ` +
              "they could not be measured",
          ]
        : []),
      `the health of ${Object.keys(parts.after).length} parts of the graph`,
    ],
  };
}
