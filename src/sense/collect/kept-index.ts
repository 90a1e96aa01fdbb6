/** What is remembered of a vector index from one measurement to the next. */
import { type LeastCost, withCost } from "../cost.ts";
import { attainable, dueOf } from "../due.ts";
import { FEW_YOUNGER, skewOf } from "../lists.ts";
import { sureRecall } from "../sampling.ts";
import type { Configuration } from "../../model/configuration.ts";
import { type IndexMeasurement, sameDepth } from "../vector-index.ts";
import { isOfOtherRows, isOutgrown, type Tried } from "./trial.ts";

export interface Kept extends Tried {
  readonly oid: string;
  readonly at: number;
  readonly measured: IndexMeasurement | null;
  readonly why?: string;
  readonly hint?: string;
  readonly best: number | null;
  /** Values of older versions have none of these. */
  readonly file?: string;
  readonly attained?: number | null;
  /** By so many sampled rows, where only the lists that these lie in are known. */
  readonly attained_by?: number | null;
  readonly costs?: readonly LeastCost[];
  /** Why the last measurement was not believed: `measured` is the one before. */
  readonly doubted?: { readonly why: string; readonly hint: string } | null;
}

/** What is remembered of a collection's vector indexes, by name. */
export type Memory = Readonly<Record<string, Kept>>;

interface Identity {
  readonly oid: string;
  /** pg_class.relfilenode: a rebuild changes it. */
  readonly file: string;
  readonly lists: number;
}

/** Whether an index is the one that was measured before, and not built anew since. */
const isAsBefore = ({ oid, file }: Pick<Identity, "oid" | "file">, before: Kept): boolean =>
  before.oid === oid && (before.file === undefined || before.file === file);

/** What holds whatever is measured next. */
export const carriedOver = (
  { oid, file }: Pick<Identity, "oid" | "file">,
  before: Kept | undefined,
) => {
  const same = before && isAsBefore({ oid, file }, before) ? before : undefined;
  return {
    oid,
    // Of what was measured last: a look that failed at the first build seen leaves it a new one.
    file: before?.file ?? file,
    attained: before?.attained ?? null,
    attained_by: before?.attained_by ?? null,
    best_of: before?.best_of ?? null,
    trial: same?.trial ?? null,
    untried: same?.untried ?? null,
    // Of one file: what a search should cost is what the last build made of it.
    costs: same?.file === file ? (same.costs ?? []) : [],
  };
};

/**
 * What another build of an ivfflat index finds at least where one found so much: of noise in 150
 * lists builds found 0.08 to 0.13, of 2,000 sparse vectors 0.55 and 0.69, and where all is found
 * they do not differ. Held against the luckiest of all there were, 145 of 375 that were just built
 * read as sick.
 */
const ofAnotherBuild = (best: number): number => (best * (1 + best)) / 2;

/**
 * What an index is held against. Built anew on its rows (REINDEX, VACUUM FULL, an hnsw index by any
 * load) it begins anew, as by a rebuild of ours: of another model's vectors no more is due than a
 * fresh build finds. An ivfflat index that was emptied and loaded has its lists of nothing, and of
 * its past what no luck of a build was.
 */
export function heldAgainst(
  one: Identity & Pick<IndexMeasurement, "method">,
  measured: IndexMeasurement,
  before: Kept | undefined,
): Kept | undefined {
  if (!before || isAsBefore(one, before)) return before;
  const younger = one.method === "hnsw" ? 0 : measured.lists?.since_file;
  if (younger != null && younger <= FEW_YOUNGER) return undefined;
  return { ...before, best: before.best === null ? null : ofAnotherBuild(before.best) };
}

/** What few searches found by luck is no measure for all later ones. */
const isEnough = ({ samples, rows }: IndexMeasurement, settings: Configuration): boolean =>
  2 * samples >= Math.min(settings.recall_samples, rows);

/**
 * The best this index had, that measurement among it; null: nothing to compare with. What is sure
 * of it, no more.
 */
export function bestOf(
  settings: Configuration,
  measured: IndexMeasurement,
  before: Kept | undefined,
): number | null {
  // Recall with other probes, or of other neighbours, says nothing about this one.
  const comparable =
    before?.measured === null || (before?.measured != null && sameDepth(before.measured, measured));
  const known = measured.recall !== null && isEnough(measured, settings);
  const best = Math.max(known ? sureRecall(measured) : -1, comparable ? (before?.best ?? -1) : -1);
  return best < 0 ? null : best;
}

/**
 * The best was measured on the rows that the trial before was made of. Where they have doubled, or
 * were replaced (every vector by another model's), it is worth as much less as a fresh build finds
 * less of those of now, and no more than a build on all of them is sure to find: without that an
 * index that a rebuild would make no better read 0.55 of 1.
 * @param before as measured, with the trial that stood
 * @param after the same with the trial of now, if one was made
 */
export function onRowsOfNow(settings: Configuration, before: Kept, after: Kept): Kept {
  const { trial: then, best, measured } = before;
  const { trial: now } = after;
  // The best of fewer rows, of which there was no trial, is none of those of now.
  if (!then && now && measured && isOutgrown(before))
    return { ...after, best: bestOf(settings, measured, undefined), best_of: measured.rows };
  if (!then || !now || then === now || best === null || !measured) return after;
  if (!isOfOtherRows(before, settings) || !sameDepth(then, now)) return after;
  const harder = then.recall > 0 ? Math.min(1, now.recall / then.recall) : 1;
  // A build on all rows needs no comparison with another: two of 1,000 rows (m 4) found 0.84 and
  // 0.78 of vectors of which the index itself had found all; 0.94 was due where 0.74 was found.
  const most = now.sampled >= now.rows ? (attainable(now, measured) ?? 1) : 1;
  // Known to be of those of now.
  const read = { ...measured, replaced: 0 };
  const known = { ...after, measured: read, best: Math.min(best * harder, most) };
  return { ...after, measured: read, best: bestOf(settings, read, known) };
}

/** What searches cost, where they found what was due. */
export function costsOf(
  settings: Configuration,
  measured: IndexMeasurement,
  { costs, trial, best }: Required<Pick<Kept, "costs" | "best">> & Pick<Kept, "trial">,
): readonly LeastCost[] {
  const due = dueOf(settings, measured, best, trial ?? null)?.recall ?? 0;
  const met = measured.recall !== null && measured.recall >= settings.recall[0] * due;
  return met && isEnough(measured, settings) ? withCost(costs, measured) : costs;
}

/**
 * What a build on these rows attains, as far as it is known: an index that is as it was built shows
 * it, with whatever number of lists. Its file may be younger than itself (REINDEX), but only one
 * that we saw change: a rename looks the same. Of few lists that were met the fullest may not be
 * one: then what that may hold, until more rows are sampled. One list was met of 40, and held 0.9
 * times the mean; later that of a cluster was met, built with 10 times, and lambda was 0.57.
 */
export function attainedBy(
  { oid, file, lists }: Identity,
  measured: IndexMeasurement,
  before: Kept | undefined,
): Pick<Kept, "attained" | "attained_by"> {
  const { attained = null, attained_by = null } = before ?? {};
  const rebuilt = before?.oid === oid && before.file !== undefined && before.file !== file;
  const younger = rebuilt ? measured.lists?.since_file : measured.lists?.since_made;
  const skew = skewOf(measured, lists);
  if (younger == null || younger > FEW_YOUNGER || skew === null) return { attained, attained_by };
  const { source, rows, sampled = rows.length } = measured.lists!;
  const met = source === "sampled" && rows.length < lists ? sampled : Infinity;
  const by = attained === null ? 0 : (attained_by ?? Infinity);
  // What is known by more rows stands; what fewer left open is known better now.
  if (met <= by) return { attained: Math.max(attained ?? 0, skew), attained_by };
  return {
    attained: Math.max(attained_by === null ? (attained ?? 0) : 0, skew, lists * unmetShare(met)),
    attained_by: met === Infinity ? null : met,
  };
}

/**
 * The share of the rows that a list may have which none of so many sampled rows lay in, but for one
 * time in fifty.
 */
const unmetShare = (met: number): number => 1 - 0.02 ** (1 / met);

/**
 * With what a build on all rows attained, which no exchange followed: an index that is no fuller is
 * not asked for again, and no more is due than a build with the same parameters found, whatever
 * this index found of the rows that there were before.
 * @param before recall of this index, of the same rows as the build was searched for
 */
export function withBuilt(
  known: Kept,
  built: {
    readonly skew: number | null;
    readonly found: TrialFound | null;
    readonly before?: number | undefined;
  },
): Kept {
  const { skew, found, before } = built;
  const { attained = null, trial = null, best, measured } = known;
  // What is measured next is searched for other rows: the gain is what the two have in common.
  const gain = before !== undefined && before > 0 ? Math.max(1, (found?.recall ?? 0) / before) : 1;
  const now =
    found && measured?.probes === found.probes && measured.recall !== null
      ? measured.recall * gain
      : null;
  return {
    ...known,
    attained: skew === null ? attained : Math.max(attained ?? 0, skew),
    best: best === null || now === null ? best : Math.min(best, now),
    trial:
      found && trial?.probes === found.probes
        ? { ...trial, recall: found.recall, recall_error: found.recall_error ?? 0 }
        : trial,
  };
}

interface TrialFound {
  readonly probes: number;
  readonly recall: number;
  readonly recall_error?: number | null;
}
