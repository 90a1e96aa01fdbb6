/**
 * Statements that pg_stat_statements has seen to address rows by their partition: what a move would
 * break, named where it can be read.
 */
import sql, { join, raw } from "sql-template-tag";
import type { Host } from "../host/host.ts";
import { SqlError } from "../base/errors.ts";
import { printable } from "../base/text.ts";
import type { TableFacts } from "./introspect.ts";
import { type Named, addresses } from "./statement-text.ts";

/**
 * Registration must stay quick: at most so many texts, so much of each, and so many names of
 * partitions looked for (a registration among 4,535 statements takes some 180 ms).
 */
const TEXTS = 200;
const CHARACTERS = 8192;
const PARTITIONS = 100;
const NAMED = 10;
const SHOWN = 300;

export interface Statements {
  /** Most called first; null: not looked at. */
  readonly statements: readonly { readonly query: string; readonly calls: number }[] | null;
  /** What was not looked at, and what to type; null: nothing that is known of. */
  readonly statements_unread: string | null;
}

const unread = (why: string): Statements => ({ statements: null, statements_unread: why });

/** Its view, quoted; null: the extension is not there. */
export const statementsView = (host: Host): string | null =>
  host.query<{ view: string }>(sql`
    SELECT format('%I.pg_stat_statements', n.nspname) AS view
      FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
      WHERE e.extname = 'pg_stat_statements'`)[0]?.view ?? null;

export function readStatements(host: Host, facts: TableFacts): Statements {
  const view = statementsView(host);
  if (view === null)
    return unread(
      "no statement was looked at: pg_stat_statements is not installed in this database",
    );
  const partitions = host.query<Named>(sql`
    SELECT n.nspname AS schema, c.relname AS name
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE i.inhparent = ${facts.relid}::oid ORDER BY c.relname LIMIT ${PARTITIONS}::int`);
  const wanted = {
    table: { schema: facts.schema_name, name: facts.table_name },
    partitions,
    column: facts.partition_column!.name,
  };
  const names = [wanted.table, ...partitions].map(({ name }) => name.replace(/"/g, '""'));
  try {
    const texts = readTexts(host, view, names);
    const statements = texts.seen
      .filter(({ query }) => addresses(query, wanted))
      .slice(0, NAMED)
      .map(({ query, calls }) => ({
        query: printable(query.replace(/\s+/g, " ").trim(), SHOWN),
        calls,
      }));
    const gaps = unreadParts(texts, partitions.length, facts.installer);
    return { statements, statements_unread: gaps.length > 0 ? gaps.join("; ") : null };
  } catch (error) {
    // Not loaded (55000), not for this role (42501), another version: no reason to refuse a
    // registration.
    if (!(error instanceof SqlError)) throw error;
    return unread(
      "no statement was looked at: pg_stat_statements cannot be read: " +
        `${printable(error.document.message, 200)}`,
    );
  }
}

/** Texts that have one of the names in them, and how many texts are hidden from the role. */
interface Texts {
  readonly seen: readonly { readonly query: string; readonly calls: number }[];
  readonly hidden: number;
  /** What runs is kept. */
  readonly tracked: boolean;
}

/** Texts that have one of the names in them, the most called first. */
export function readTexts(host: Host, view: string, names: readonly string[]): Texts {
  // Nested statements of ours: one array of texts as parameters, or samples by relid. What is
  // hidden from the role has a text that says so.
  return host.one<Texts>(sql`
      WITH s AS MATERIALIZED (
        SELECT left(query, ${CHARACTERS}::int) AS query, sum(calls)::float8 AS calls,
          bool_or(coalesce((to_jsonb(p) ->> 'toplevel')::boolean, true)) AS top
          FROM ${raw(view)} p WHERE dbid = (SELECT oid FROM pg_database
            WHERE datname = current_database()) GROUP BY 1
      ), named AS (
        SELECT query, calls FROM s
         WHERE EXISTS (SELECT FROM (VALUES ${join(
           names.map((name) => sql`(lower(${name}))`),
           ", ",
         )}) w(name) WHERE strpos(lower(s.query), w.name) > 0)
           AND query ~* '^[[:space:](]*(/[*]|--|select|insert|update|delete|merge'
                        '|with|declare|prepare)'
           AND (top OR (strpos(query, '($1)[') = 0 AND strpos(query, ' AS relid') = 0))
             AND strpos(query, 'ruvector.') = 0
         ORDER BY calls DESC, query LIMIT ${TEXTS}::int
      )
      SELECT coalesce((SELECT json_agg(json_build_object('query', query, 'calls', calls)
        ORDER BY calls DESC, query) FROM named), '[]') AS seen,
             (SELECT count(*)::int FROM ${raw(view)} WHERE dbid = (SELECT oid
               FROM pg_database WHERE datname = current_database())
                 AND coalesce(query, '<insufficient privilege>') = '<insufficient privilege>')
                   AS hidden,
             current_setting('pg_stat_statements.track', true) IS DISTINCT FROM 'none'
               AS tracked`);
}

/** What was not looked at, and what to type. */
function unreadParts(
  { seen, hidden, tracked }: Texts,
  partitions: number,
  installer: string,
): string[] {
  return [
    ...(tracked
      ? []
      : [
          "pg_stat_statements.track is none, and what runs is not kept: " +
            "ALTER SYSTEM SET pg_stat_statements.track = top; SELECT pg_reload_conf();",
        ]),
    ...(hidden > 0
      ? [
          `${hidden} statements of other roles are hidden from ${installer}: GRANT ` +
            `pg_read_all_stats TO ${installer};`,
        ]
      : []),
    ...(seen.length === TEXTS
      ? [`only the ${TEXTS} most called of those that have its name in them were looked at`]
      : []),
    ...(partitions === PARTITIONS
      ? [`only the first ${PARTITIONS} partitions were looked for`]
      : []),
  ];
}

/**
 * The sentence for the client; null where nothing was found. It does not say that there is nothing
 * else: texts are read as texts.
 */
export function statementsSentence(
  { qualified, partition_column }: TableFacts,
  { statements, statements_unread }: Statements,
): string | null {
  if (statements === null || statements.length === 0) return null;
  const found = statements
    .map(({ query, calls }) => `${printable(query, 120)} (${calls} calls)`)
    .join("; ");
  return (
    `pg_stat_statements has statements that seem to address rows of ${qualified} by ` +
    `${partition_column!.quoted} or by partition, or to upsert on it; ` +
    `rows that moved they would miss or double: ${found}. Looked at were the texts that it ` +
    `still has${statements_unread === null ? "" : `, and not all (${statements_unread})`}.`
  );
}
