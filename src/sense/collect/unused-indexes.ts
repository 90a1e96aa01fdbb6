/**
 * Vector indexes that nobody searches by, while their tables are read from end to end over and
 * over, with the likely reason: what statements order by, else what the planner takes. A
 * finding, no sickness: whether an index is wanted is its owner's to say. What replicas search by
 * is counted there, and not seen here.
 */
import sql from "sql-template-tag";
import { SqlError } from "../../base/errors.ts";
import { list, printable } from "../../base/text.ts";
import { readTexts, statementsView } from "../../collection/statements.ts";
import type { Host } from "../../host/host.ts";
import type { Collection } from "../../model/collection.ts";
import type { UnusedIndex } from "../../model/recall.ts";
import { measuredEvery } from "../../store/measurements.ts";
import type { UseByIndex } from "../activity/use.ts";
import { vectorIndexes } from "./centroids.ts";
import { measureIndex } from "./measure-index.ts";
import { searchesIn } from "./search-texts.ts";

/** So often must a table have been read through: a dump, a report come once a day. */
const TIMES = 100;

/** Smaller tables are read through in a millisecond or two: the planner does well to do so. */
const SMALL_PAGES = 1000;

/** Seconds for which a reason is kept: statements are many, and a search is made for it. */
const KEPT = 3600;

interface Facts {
  readonly index: string;
  readonly oid: string;
  readonly table: string;
  readonly name: string;
  readonly rows: number;
  readonly pages: number;
  readonly method: string;
  readonly setting: string;
  readonly configured: number;
  /** Its operator class, and the operator that it orders by: <->. */
  readonly class: string;
  readonly operator: string;
  /** What it is built on, as an expression. */
  readonly key: string;
  /**
   * Operator classes of the same method and type, by operator; without those that an index of the
   * table has already. null: there is none.
   */
  readonly classes: Readonly<Record<string, string>> | null;
}

/** @param use since when each was not used, and what was read of its table meanwhile */
export function unusedIndexes(
  host: Host,
  collection: Collection,
  use: UseByIndex,
): readonly UnusedIndex[] {
  const { unused_index_seconds: wait } = collection.settings;
  const now = host.now() / 1000;
  const waiting = Object.entries(use).filter(
    ([, { since, scanned }]) => wait > 0 && scanned > 0 && now - since >= wait,
  );
  if (waiting.length === 0) return [];
  const there = vectorIndexes(host, collection).map(({ oid }) => oid);
  const found = factsOf(
    host,
    waiting.map(([oid]) => oid).filter((oid) => there.includes(oid)),
  ).filter(
    ({ oid, rows, pages }) =>
      pages >= SMALL_PAGES && use[oid]!.scanned >= TIMES * Math.max(1, rows),
  );
  if (found.length === 0) return [];
  const kind = "unused_indexes";
  const { value } = measuredEvery<Readonly<Record<string, Pick<UnusedIndex, "reason" | "hint">>>>(
    host,
    collection.id,
    { kind, every: KEPT, fresh: false },
    () => Object.fromEntries(found.map((one) => [one.oid, reasonOf(host, collection, one)])),
  );
  return found.map((one) => ({
    index: one.index,
    since: use[one.oid]!.since,
    read_through: use[one.oid]!.scanned / Math.max(1, one.rows),
    ...(value[one.oid] ?? reasonOf(host, collection, one)),
  }));
}

const factsOf = (host: Host, oids: readonly string[]): Facts[] =>
  host.query<Facts>(sql`
    SELECT v.index, i.indexrelid::text AS oid, v.heap AS table, h.relname AS name,
           (CASE WHEN h.reltuples > 0 THEN h.reltuples
             ELSE pg_stat_get_live_tuples(h.oid) END)::float8 AS rows,
           (pg_relation_size(h.oid) / current_setting('block_size')::int)::float8 AS pages,
           v.method, v.setting, v.configured, k.opcname AS class,
           regexp_replace(v.operator, '^.*[.](.*)[)]$', E'\\\\1') AS operator,
           v.key, (SELECT jsonb_object_agg(o.oprname, format('%I.%I', cn.nspname, c.opcname))
              FROM pg_opclass c JOIN pg_namespace cn ON cn.oid = c.opcnamespace
              JOIN pg_amop s ON s.amopfamily = c.opcfamily
                AND s.amoplefttype = c.opcintype AND s.amoppurpose = 'o' AND s.amopstrategy = 1
              JOIN pg_operator o ON o.oid = s.amopopr
             WHERE c.opcmethod = k.opcmethod AND c.opcintype = k.opcintype
               AND NOT EXISTS (SELECT FROM pg_index j
                 JOIN pg_opclass jk ON jk.oid = j.indclass[0]
                 JOIN pg_amop js ON js.amopfamily = jk.opcfamily AND js.amopopr = o.oid
                WHERE j.indrelid = i.indrelid AND j.indisvalid)) AS classes
      FROM jsonb_array_elements_text(${JSON.stringify(oids)}::jsonb) w(oid)
      JOIN pg_index i ON i.indexrelid = w.oid::oid
      JOIN pg_class h ON h.oid = i.indrelid
      JOIN pg_opclass k ON k.oid = i.indclass[0]
     CROSS JOIN LATERAL ruvector.healing_vector_index(i.indexrelid) v`);

type Reason = Pick<UnusedIndex, "reason" | "hint">;

/** What statements say, where they can be read; else what the planner takes. */
function reasonOf(host: Host, collection: Collection, one: Facts): Reason {
  const drop =
    "Where replicas search by it, leave it (they count for themselves); else " +
    `DROP INDEX CONCURRENTLY ${one.index}; spares each write its part.`;
  const seen = texts(host, collection, one);
  if ("why" in seen) return planned(host, collection, one) ?? { reason: seen.why, hint: drop };
  const { operators, ordered } = searchesIn(seen.texts, [one.name, collection.table_name]);
  if (operators.length === 0)
    return {
      reason:
        "no statement that pg_stat_statements knows and that names the table has a distance " +
        "operator: nobody searches there",
      hint: drop,
    };
  if (!operators.includes(one.operator)) {
    const other = operators.find((operator) => one.classes?.[operator] !== undefined);
    return {
      reason:
        `its operator class ${one.class} orders by ${one.operator}, statements use ` +
        list(operators),
      hint: other
        ? `CREATE INDEX CONCURRENTLY ON ${one.table} USING ${one.method} (${one.key} ` +
          `${one.classes![other]}); serves them.`
        : drop,
    };
  }
  if (!ordered.includes(one.operator))
    return {
      reason:
        `statements use ${one.operator} without ORDER BY ... ${one.operator} ... LIMIT, which is ` +
        "what an index of pgvector serves",
      hint: `SELECT ... FROM ${one.table} ORDER BY ... ${one.operator} $1 LIMIT 10; does.`,
    };
  return (
    planned(host, collection, one) ?? {
      reason:
        `statements order by ${one.operator}, and with the settings of the table's owner the ` +
        "planner would take it: those who ask may have others, or filters that it does without",
      hint: "EXPLAIN one of them as the role that asks it.",
    }
  );
}

/** Why the planner turns away from it; null: it would take it, or nobody can tell. */
function planned(host: Host, collection: Collection, one: Facts): Reason | null {
  const { recall_k: k, recall_probes: probes } = collection.settings;
  // Of a large table few rows wanted may be none.
  const base = { k, samples: 20, budget_ms: 1000, occupancy: false, exact: false };
  const takes = (value: number): string | null | undefined => {
    try {
      const answer = measureIndex(host, collection, one.oid, {
        ...base,
        probes: value,
        cost: true,
      });
      if ("why" in answer || answer.samples === 0) return undefined;
      return answer.takes === answer.index_name ? one.index : answer.takes;
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      return undefined;
    }
  };
  const value = probes > 0 ? probes : one.configured;
  const now = takes(value);
  if (now === undefined || now === one.index) return null;
  if (now !== null)
    return {
      reason: `the planner takes ${printable(now, 200)} in its place`,
      hint: `One of the two is enough: DROP INDEX CONCURRENTLY ${one.index};`,
    };
  const least = one.method === "hnsw" ? 40 : 1;
  return {
    reason:
      `with ${one.setting} = ${value} the planner reads the whole table` +
      (value > least && takes(least) === one.index ? `, with ${least} it would take it` : ""),
    hint: `A smaller ${one.setting} for those who search has it taken.`,
  };
}

function texts(
  host: Host,
  { table_name }: Collection,
  { name }: Facts,
): { readonly texts: readonly string[] } | { readonly why: string } {
  const view = statementsView(host);
  const unread = "which statements read the table is not known: pg_stat_statements ";
  if (view === null) return { why: `${unread}is not installed in this database` };
  try {
    const { seen, hidden } = readTexts(host, view, [...new Set([name, table_name])]);
    // What others ask is hidden from this role: nothing can be said of what is not there.
    if (hidden > 0) return { why: `${unread}hides ${hidden} statements of other roles` };
    return { texts: seen.map(({ query }) => query) };
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return { why: `${unread}cannot be read: ${printable(error.document.message, 200)}` };
  }
}
