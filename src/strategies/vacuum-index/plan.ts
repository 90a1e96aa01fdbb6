/**
 * What vacuum_index foresees. Dead entries take the places of live ones in a search: it looks at
 * ef_search (probes) of them, and returns those that are alive. How much is found without them is
 * measured: by looking so much deeper as there are dead ones among the live.
 */
import { endedEarly } from "../../jobs/timeouts.ts";
import { isNamed } from "../../base/names.ts";
import sql from "sql-template-tag";
import { type CurveIndex, recallCurve, valuesOf } from "../../sense/recall-curve.ts";
import { vectorIndexes } from "../../sense/collect/centroids.ts";
import { costCurve, costHealth } from "../../sense/cost.ts";
import { recallHealth } from "../../sense/assess/recall-health.ts";
import type { CentroidGroup, IndexMeasurement } from "../../sense/vector-index.ts";
import type { Plan } from "../../model/action.ts";
import type { Host } from "../../host/host.ts";
import { figures } from "../../classify/findings.ts";
import { list, printable, short } from "../../base/text.ts";
import { START_SECONDS, whyNoCron } from "../../jobs/cron.ts";
import { SMALL_PAGES } from "../../sense/fragmentation/baseline.ts";
import { lockedNow } from "../locked.ts";
import { foresee } from "../foresee.ts";
import type { NothingToDo, PlanRequest } from "../strategy.ts";
import { meets } from "../tune-search/meets.ts";
import { lostIndexes } from "../tune-search/plan.ts";

type Request = Omit<PlanRequest, "params">;

/**
 * Entries of an index too: VACUUM leaves them where few pages have dead rows, and where the table's
 * vacuum_index_cleanup is off. Empty pages at the end of the table stay: to cut them off it would
 * take ACCESS EXCLUSIVE, which ends long searches on a standby.
 */
export const vacuum = (table: string): string => `VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) ${table}`;

export interface VacuumPlan extends Plan {
  /** Tables, `schema.name` quoted, with what is dead in them. */
  readonly tables: readonly {
    readonly table: string;
    readonly oid: string;
    readonly dead: number;
    readonly live: number;
    readonly bytes: number;
  }[];
  readonly indexes: readonly {
    readonly index: string;
    readonly recall: number;
    readonly foreseen: number;
    readonly due: number;
    /** What a search would read, where its cost is why. */
    readonly foreseen_blocks?: number;
  }[];
}

interface Table {
  readonly table: string;
  readonly oid: string;
  readonly dead: number;
  readonly live: number;
  /** The server lost its counters (a crash, pg_stat_reset), or keeps none: what to type. */
  readonly uncounted: string | null;
  readonly bytes: number;
  /** Pages of the vector index that was asked about, now. */
  readonly index_pages: number;
  readonly may: boolean;
  readonly owner: string;
  readonly role: string;
  readonly last_vacuum: string | null;
}

/**
 * Fewer are no cause: autovacuum leaves a fifth of a table by default, and recall must not hang on
 * that.
 */
const DEAD_SHARE = 0.05;

/** The table of an index, with what the server counts of it. */
const tableOf = (host: Host, index: string): Table | undefined =>
  host.query<Table>(sql`
    SELECT format('%I.%I', n.nspname, h.relname) AS table, h.oid::text AS oid,
           pg_stat_get_dead_tuples(h.oid)::float8 AS dead,
           greatest(pg_stat_get_live_tuples(h.oid), 1)::float8 AS live,
           CASE WHEN pg_stat_get_live_tuples(h.oid) + pg_stat_get_dead_tuples(h.oid) = 0
               AND h.reltuples > 0 THEN
             CASE WHEN current_setting('track_counts') = 'off'
               THEN 'ALTER SYSTEM SET track_counts = on; SELECT pg_reload_conf(); ' ELSE '' END
             || format('ANALYZE %I.%I;', n.nspname, h.relname) END AS uncounted,
           pg_table_size(h.oid)::float8 AS bytes,
           (pg_relation_size(i.indexrelid) / current_setting('block_size')::int)::int
             AS index_pages, pg_has_role(h.relowner, 'USAGE') AS may,
           quote_ident(pg_get_userbyid(h.relowner)) AS owner, quote_ident(current_user) AS role,
           to_char(greatest(pg_stat_get_last_vacuum_time(h.oid),
             pg_stat_get_last_autovacuum_time(h.oid)) AT TIME ZONE 'UTC',
             'YYYY-MM-DD HH24:MI "UTC"') AS last_vacuum
      FROM pg_index i JOIN pg_class h ON h.oid = i.indrelid
      JOIN pg_namespace n ON n.oid = h.relnamespace
     WHERE i.indexrelid = to_regclass(${index})`)[0];

interface Foreseen {
  readonly group: CentroidGroup;
  readonly table: Table;
  readonly recall: number;
  /** Left out: as many as now. */
  readonly blocks?: number;
}

function foreseen(request: Request, group: CentroidGroup, one: CurveIndex): Foreseen | NothingToDo {
  const { host, collection } = request;
  const name = printable(group.index, 200);
  const table = tableOf(host, group.index);
  if (!table) return { nothing: "the index is gone", hint: "The next sample." };
  const share = table.dead / table.live;
  if (table.uncounted !== null)
    return {
      nothing:
        `the server has no count of the dead rows of ${table.table}: whether they are why ` +
        `${name} finds too little, or costs too much, is not known`,
      hint: `${table.uncounted} counts them; or rebuild_index builds it anew.`,
    };
  if (share < DEAD_SHARE)
    return {
      nothing:
        `${table.table} has ${short(table.dead)} dead rows beside ${short(table.live)}` +
        (table.last_vacuum === null ? "" : ` (last vacuum ${table.last_vacuum})`) +
        `: they are not why ${name} finds too little, or costs too much`,
      hint: "rebuild_index builds it anew.",
    };
  // What a VACUUM takes out leaves room: one sickness would make way for another (seen: recall 0.56
  // -> 1, fragmentation 0 -> 83 %, lambda 0.08 -> 0.13). An index that is built anew has neither.
  const room = (100 * table.dead) / (table.dead + table.live);
  const [, most] = collection.settings.fragmentation_pct;
  if (table.index_pages >= SMALL_PAGES && room > most)
    return {
      nothing:
        `${short(table.dead)} dead rows beside ${short(table.live)} of ${table.table}: a vacuum ` +
        `would leave ${name} with ${short(room)} % room, which is fragmented`,
      hint: "rebuild_index builds it anew.",
    };
  if (!table.may)
    return {
      nothing: `role ${table.role} does not own ${table.table} and cannot vacuum it`,
      hint: `GRANT ${table.owner} TO ${table.role}; or by hand: ${vacuum(table.table)};`,
    };
  return spared(request, group, one, table);
}

/** What searches find and cost without the dead rows; both must be well then. */
function spared(
  request: Request,
  group: CentroidGroup,
  one: CurveIndex,
  table: Table,
): Foreseen | NothingToDo {
  const { host, collection } = request;
  const name = printable(group.index, 200);
  const isDear = (costHealth(group, collection.settings) ?? 1) < 1;
  const cost = isDear ? cheaper(request, group, table) : null;
  if (cost && ("nothing" in cost || (recallHealth(group, collection.settings) ?? 1) >= 1))
    return cost;
  const share = table.dead / table.live;
  const curve = recallCurve(host, collection, one);
  if ("why" in curve)
    return { nothing: `${name} could not be searched: ${curve.why}`, hint: "The next sample." };
  const deepest = Math.max(...valuesOf(one));
  const deeper = Math.min(deepest, Math.ceil(one.probes * (1 + share)));
  const recall = curve.at(deeper)?.recall ?? 0;
  const due = group.baseline!;
  if (!meets(recall, due, collection))
    return {
      nothing:
        `without the ${short(table.dead)} dead rows of ${table.table} searches by ${name} would ` +
        `find ${figures(recall)}, as those that look at ${deeper} instead of ${one.probes} do; ` +
        `${figures(due)} is due`,
      hint: "rebuild_index builds it anew.",
    };
  return { ...cost, group, table, recall };
}

/**
 * What a search would cost without its visits to dead rows. The pages that dead entries were on
 * stay with the index, and are read as before: after half of 3,600 rows had been replaced five
 * times, a search by an ivfflat index read 383 blocks before the VACUUM, 366 after it, and 118 by a
 * fresh one. Of small lists the visits are the most: 82, 52 and 31.
 */
function cheaper(
  { collection: { settings } }: Request,
  group: CentroidGroup,
  table: Table,
): Foreseen | NothingToDo {
  const { index, due_blocks: due } = group;
  const { search_blocks: now, index_blocks: own, recall, k } = group.measured!;
  const blocks = Math.min(now!, (own ?? now!) + k + 1);
  if (blocks <= costCurve(settings).fine * due!) return { group, table, recall: recall!, blocks };
  return {
    nothing:
      `a VACUUM takes the dead entries out of ${printable(index, 200)}, and leaves it the pages ` +
      `that they were on: a search would read ${short(blocks)} blocks, ${short(now!)} now, ` +
      `${short(due!)} by a fresh index`,
    hint: "rebuild_index builds it anew.",
  };
}

export function planVacuum(request: Request, asked: string | undefined): VacuumPlan | NothingToDo {
  const { host, collection, snapshot } = request;
  const there = new Map(vectorIndexes(host, collection).map((one) => [one.index, one]));
  const isMeant = ({ index }: { readonly index: string }): boolean =>
    asked === undefined || isNamed(index, asked, collection.schema_name);
  const dear = snapshot.centroids.filter(
    (group) => (costHealth(group, collection.settings) ?? 1) < 1,
  );
  const lost = [...new Set([...lostIndexes(snapshot.centroids, collection), ...dear])].filter(
    ({ index, measured, baseline }) =>
      there.has(index) && measured !== null && baseline !== null && isMeant({ index }),
  );
  if (lost.length === 0)
    return {
      nothing:
        asked === undefined || snapshot.centroids.some(isMeant)
          ? "no vector index finds less than what is due, or costs much more"
          : `there is no vector index ${printable(asked, 200)} on ${collection.name}`,
      hint: `SELECT * FROM ruvector_healing_recall('${collection.name.replace(/'/g, "''")}');`,
      beside: true,
    };
  const barred = lockedNow(host, collection);
  if (barred) return barred;
  const all = lost.map((group) =>
    foreseen(request, group, { ...there.get(group.index)!, probes: group.measured!.probes }),
  );
  const [first] = all;
  if ("nothing" in first!) return first;
  const fits = all.filter((one): one is Foreseen => !("nothing" in one));
  const tables = [...new Map(fits.map(({ table }) => [table.oid, table])).values()];
  const missing = whyNoCron(host);
  if (missing)
    return {
      nothing: `${missing.reason}: VACUUM cannot run inside a function. ${missing.detail}`,
      hint: `${missing.hint} Or by hand: ${vacuum(tables[0]!.table)};`,
    };
  const longest = Math.max(...tables.map(({ bytes }) => bytes)) / BYTES_PER_SECOND;
  return endedEarly(host, "a VACUUM", Math.ceil(longest)) ?? planOf(request, fits, tables);
}

function planOf(
  { collection: { settings }, snapshot, tick_seconds }: Request,
  fits: readonly Foreseen[],
  tables: readonly Table[],
): VacuumPlan {
  const size = tables.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    strategy: "vacuum_index",
    rows: 0,
    bytes: size,
    // Pages of the table and its indexes that had dead rows: a half as a rule, an image of each.
    wal_bytes: Math.round(size / 2),
    relation_locks: 3,
    ...foresee(
      {
        ...snapshot,
        centroids: snapshot.centroids.map((group) => {
          const found = fits.find((one) => one.group.index === group.index);
          return found && group.measured
            ? { ...group, measured: asVacuumed(group.measured, found) }
            : group;
        }),
      },
      settings,
    ),
    estimated_duration_seconds: Math.ceil(
      tables.length * (START_SECONDS + 2 * tick_seconds) +
        size / BYTES_PER_SECOND +
        settings.stabilize_seconds,
    ),
    locks: [
      `SHARE UPDATE EXCLUSIVE on ${list(tables.map(({ table }) => table))}, one at a time: reads ` +
        "and writes go on; an autovacuum that is at it gives way",
    ],
    tables: tables.map(({ table, oid, dead, live, bytes }) => ({ table, oid, dead, live, bytes })),
    indexes: fits.map(({ group, recall, blocks }) => ({
      index: group.index,
      recall: group.measured!.recall!,
      foreseen: recall,
      due: group.baseline!,
      ...(blocks !== undefined && { foreseen_blocks: blocks }),
    })),
  };
}

const asVacuumed = (
  measured: IndexMeasurement,
  { recall, blocks }: Pick<Foreseen, "recall" | "blocks">,
): IndexMeasurement => ({
  ...measured,
  recall,
  ...(blocks !== undefined && { search_blocks: blocks }),
});

/**
 * Of a table whose hnsw index has to be repaired: for each dead entry pgvector searches the graph
 * anew (8 rounds of updates on 2,000 rows of 32 dimensions: 3 MB, 5 s).
 */
const BYTES_PER_SECOND = 0.25e6;
