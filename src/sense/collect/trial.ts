/** What a fresh build of a vector index attains, tried on a sample of its rows. */
import sql from "sql-template-tag";
import { SqlError } from "../../base/errors.ts";
import { printable } from "../../base/text.ts";
import { lockTable } from "../../collection/lookup.ts";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import { lastTrial } from "../../store/measurements.ts";
import { isSuspect, type LeastCost } from "../cost.ts";
import { attainable, dueOf } from "../due.ts";
import { moreTemporary } from "./unreadable-index.ts";
import { FEW_YOUNGER, skewOf } from "../lists.ts";
import type { Configuration } from "../../model/configuration.ts";
import type { IndexMeasurement, TrialMeasurement } from "../vector-index.ts";

/** More rows show nothing that these do not, and take minutes at 1,536 dimensions. */
const SAMPLE_ROWS = 20_000;

/**
 * Searches in the sample: cheap there, and what is extrapolated from two samples takes their errors
 * along four times and more.
 */
const SEARCHES = 100;

/**
 * Throws a SqlError where the role may not read, or may make no temporary table (42501).
 * @param options storage parameters that stand over the index's own: m, ef_construction, lists
 */
export function trialOf(
  host: Host,
  collection: Collection,
  oid: string,
  measured: Pick<IndexMeasurement, "probes" | "iterative" | "k" | "rows" | "recall">,
  options: Readonly<Record<string, number>> = {},
): TrialMeasurement | Untried {
  const { probes, iterative = "off", k, rows } = measured;
  const wanted = {
    k,
    probes,
    iterative,
    rows,
    samples: SEARCHES,
    seed: collection.id,
    sample_rows: SAMPLE_ROWS,
    budget_ms: collection.settings.recall_trial_ms,
    options,
  };
  lockTable(host, collection);
  // A temporary table is made: what an event trigger runs then is somebody's code.
  host.query(sql`SELECT ruvector.healing_no_event_triggers()`);
  const { answer } = host
    .asOwner(collection.relid)
    .one<{ answer: Answered | { why: string; memory?: number } }>(
      sql`SELECT ruvector.healing_trial_index(${oid}::oid, ${JSON.stringify(wanted)}::jsonb)
        AS answer`,
    );
  if ("why" in answer)
    return answer.memory === undefined
      ? { why: answer.why }
      : { why: answer.why, hint: moreMemory(thisRole(host), answer.memory) };
  const isTheSame = Object.keys(options).length === 0;
  const { lists, ...told } = answer;
  const of = lists?.of;
  const skew = of === undefined ? null : skewOf({ lists: lists!, rows: told.sampled }, of);
  const trial = { ...told, skew };
  return isTheSame ? asBuilt(trial, measured.recall) : trial;
}

/** With how full its lists are. */
interface Answered extends TrialMeasurement {
  readonly lists?: IndexMeasurement["lists"];
}

/** Why there is no trial, and what to type where somebody can do something about it. */
export interface Untried {
  readonly why: string;
  readonly hint?: string;
}

const thisRole = (host: Host): string =>
  host.one<{ role: string }>(sql`SELECT quote_ident(current_user) AS role`).role;

/** @param role quote_ident of the role that builds */
export const moreMemory = (role: string, needed: number): string =>
  `ALTER ROLE ${role} SET maintenance_work_mem = '${Math.ceil(needed / 1024 / 1024)} MB'; ` +
  "(pg_cron's sessions take it up)";

/** Why a trial ended in an error. */
export function untriedFor(host: Host, { relid }: Collection, error: SqlError): Untried {
  const why = printable(error.document.message, 300);
  if (error.sqlstate === "42501") return { why, hint: grantTemporary(host, relid) };
  const files = moreTemporary(host, error.sqlstate);
  if (files !== undefined) return { why, hint: files };
  // program_limit_exceeded: pgvector's of an ivfflat index, which says how much it takes.
  const [, megabytes] =
    (error.sqlstate === "54000" && /memory required is (\d+) MB/.exec(error.document.message)) ||
    [];
  return megabytes === undefined
    ? { why }
    : { why, hint: moreMemory(thisRole(host), Number(megabytes) * 1024 * 1024) };
}

/**
 * An index that is as its build left it is a fresh one, on all rows: of 14,000 in 20 narrow
 * clusters it found 0.86, and 555 of them promised 1. Builds differ, too: of 2,000 sparse vectors
 * one found 0.55, and the next 0.69. Nor is an ivfflat index the worse for what a part promises.
 */
export const asBuilt = (trial: TrialMeasurement, recall: number | null): TrialMeasurement =>
  recall !== null && trial.since_made != null && trial.since_made <= FEW_YOUNGER
    ? { ...trial, recall: Math.min(trial.recall, recall) }
    : trial;

/** What is kept of an index that a trial goes by. */
export interface Tried {
  /** Seconds since 1970. */
  readonly at: number;
  readonly measured: IndexMeasurement | null;
  readonly trial?: TrialMeasurement | null;
  readonly best?: number | null;
  readonly costs?: readonly LeastCost[];
  /** Rows that there were when the best was found; of older versions: not known. */
  readonly best_of?: number | null;
  readonly attained?: number | null;
  /** Why none could be made, and when that was. */
  readonly untried?: (Untried & { readonly at: number }) | null;
}

/** Seconds until a trial that could not be made is made again. */
const TRY_AGAIN = 86_400;

/**
 * Between two trials of a server, over the time that one may take: hundreds of tables registered at
 * once must not make a tick of minutes.
 */
const REST = 5;

/** Whether searches cost more than they did, and no trial of today says what they should. */
const isToldByCost = ({ measured, trial, costs, at }: Tried, settings: Configuration): boolean =>
  measured !== null &&
  !(trial?.blocks != null && at - trial.at < TRY_AGAIN) &&
  isSuspect(measured, { costs: costs ?? [], trial: trial ?? null }, settings);

/** Share of the rows that were replaced: then they are others. */
const REPLACED = 0.5;

/** So many are enough where the index would be accused for it: by a trial of other rows. */
const SOME_REPLACED = 0.1;

/** There was no time for a trial; a slow machine has it later. Not where somebody has to type. */
const isUntold = ({ measured, trial, untried }: Tried): boolean =>
  measured !== null && !trial && untried != null && untried.hint === undefined;

/**
 * Whether the best was found of fewer rows, and there was no time to tell what a fresh build finds
 * of those of now: of 1,000 rows of noise 0.41 was found, of 4,600 in the same lists 0.31, and
 * lambda was 0.41.
 */
export const isOutgrown = (kept: Tried): boolean =>
  isUntold(kept) &&
  kept.best_of != null &&
  kept.measured!.rows >= (1 + SOME_REPLACED) * kept.best_of;

/**
 * How full the fullest list is, where there was no time to tell what a fresh build leaves: clusters
 * fill some as much whatever is built. null: it is told, or all are level.
 */
export function untoldSkew(kept: Tried, { list_occupancy }: Configuration): number | null {
  const of = kept.measured?.lists?.of;
  if (!isUntold(kept) || kept.attained != null || of === undefined) return null;
  const skew = skewOf(kept.measured!, of);
  return skew !== null && skew > list_occupancy[0] ? skew : null;
}

/** Whether it would be accused by what it was, or is not for want of a trial. */
function wantsTrial(kept: Tried, settings: Configuration): boolean {
  if (!isUntold(kept)) return false;
  const measured = kept.measured!;
  const due = dueOf(settings, measured, kept.best ?? null, null)?.recall ?? 0;
  return untoldSkew(kept, settings) !== null || (measured.recall ?? 1) < settings.recall[0] * due;
}

/**
 * Whether a trial, and the best there was, are of other rows than there are now: twice as many, or
 * replaced by UPDATEs (another model's vectors) or by deleting and inserting. An UPDATE of another
 * column looks the same, and costs a trial.
 */
export function isOfOtherRows(kept: Tried, settings: Configuration): boolean {
  const { measured, trial, costs, best } = kept;
  if (!measured || !trial) return false;
  if (measured.rows >= 2 * trial.rows) return true;
  const replaced = measured.replaced ?? 0;
  if (replaced <= SOME_REPLACED) return false;
  const due = dueOf(settings, measured, best ?? null, trial)?.recall ?? 0;
  return (
    replaced > REPLACED ||
    (measured.recall ?? 1) < settings.recall[0] * due ||
    isSuspect(measured, { costs: costs ?? [], trial }, settings)
  );
}

/**
 * What a fresh build attains: tried when an index is first seen, when its rows are others, with
 * other probes than then, and once a day as long as searches cost more than they did.
 */
export function withTrial<K extends Tried>(
  host: Host,
  collection: Collection,
  oid: string,
  kept: K,
  /** Somebody asked for a measurement of now. */
  asked: boolean,
): K {
  const { measured, trial, untried, at } = kept;
  const { recall_target, recall_trial_ms } = collection.settings;
  if (!measured || measured.recall === null || recall_trial_ms === 0) return kept;
  // What was to be typed may have been.
  const isMended = asked && untried?.hint !== undefined;
  const again = isMended || wantsTrial(kept, collection.settings);
  if (untried && at - untried.at < TRY_AGAIN && !again) return kept;
  // One of an older version does not say what searches cost.
  const holds = attainable(trial ?? null, measured) !== null && trial!.blocks !== undefined;
  const stands = recall_target > 0 || (holds && !isOfOtherRows(kept, collection.settings));
  if (stands && !isToldByCost(kept, collection.settings)) return kept;
  // One that was asked for again (its table has doubled) waits for its turn as well.
  if (!asked && at - lastTrial(host) < (REST * recall_trial_ms) / 1000) return kept;
  const told = (untried: Untried): K => ({ ...kept, untried: { at, ...untried } });
  try {
    const answer = trialOf(host, collection, oid, measured);
    return "why" in answer ? told(answer) : { ...kept, trial: answer, untried: null };
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return told(untriedFor(host, collection, error));
  }
}

/** Where PUBLIC has it no more. */
const grantTemporary = (host: Host, relid: string): string =>
  host.one<{ grant: string }>(sql`
    SELECT format('GRANT TEMPORARY ON DATABASE %I TO %I;', current_database(),
      pg_get_userbyid(c.relowner)) AS grant
      FROM pg_class c WHERE c.oid = ${relid}::oid`).grant;
