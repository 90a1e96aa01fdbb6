/** What a fresh build of a vector index attains, tried on a sample of its rows. */
import sql from "sql-template-tag";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
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
  measured: Pick<IndexMeasurement, "probes" | "k" | "rows">,
  options: Readonly<Record<string, number>> = {},
): TrialMeasurement | { readonly why: string } {
  const { probes, k, rows } = measured;
  const wanted = {
    k,
    probes,
    rows,
    samples: SEARCHES,
    seed: collection.id,
    sample_rows: SAMPLE_ROWS,
    budget_ms: collection.settings.recall_trial_ms,
    options,
  };
  // A temporary table is made: what an event trigger runs then is somebody's code.
  host.query(sql`SELECT ruvector.healing_no_event_triggers()`);
  return host.asOwner(collection.relid).one<{ answer: TrialMeasurement | { why: string } }>(sql`
    SELECT ruvector.healing_trial_index(${oid}::oid, ${JSON.stringify(wanted)}::jsonb) AS answer`)
    .answer;
}
