/**
 * Statements that pg_stat_statements has seen to address rows by their partition: what a move would
 * break, named where it can be read.
 */
import sql, { join, raw } from "sql-template-tag";
import type { Host } from "../host/host.ts";
import { SqlError } from "../base/errors.ts";
import { printable } from "../base/text.ts";
import type { TableFacts } from "./introspect.ts";

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

export interface Named {
  readonly schema: string;
  readonly name: string;
}

/** What a text has to name: the table, or one of its partitions. */
export interface Wanted {
  readonly table: Named;
  readonly partitions: readonly Named[];
  readonly column: string;
}

const unread = (why: string): Statements => ({ statements: null, statements_unread: why });

export function readStatements(host: Host, facts: TableFacts): Statements {
  const [extension] = host.query<{ view: string }>(sql`
    SELECT format('%I.pg_stat_statements', n.nspname) AS view
      FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
      WHERE e.extname = 'pg_stat_statements'`);
  if (!extension)
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
    // Nested statements of ours: one array of texts as parameters, or samples by relid. What is
    // hidden from the role has a text that says so.
    const { seen, hidden } = host.one<{
      seen: { query: string; calls: number }[];
      hidden: number;
    }>(sql`
      WITH s AS MATERIALIZED (
        SELECT left(query, ${CHARACTERS}::int) AS query, sum(calls)::float8 AS calls,
          bool_or(coalesce((to_jsonb(p) ->> 'toplevel')::boolean, true)) AS top
          FROM ${raw(extension.view)} p WHERE dbid = (SELECT oid FROM pg_database
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
             (SELECT count(*)::int FROM ${raw(extension.view)} WHERE dbid = (SELECT oid
               FROM pg_database WHERE datname = current_database())
                 AND coalesce(query, '<insufficient privilege>') = '<insufficient privilege>')
                   AS hidden`);
    const statements = seen
      .filter(({ query }) => addresses(query, wanted))
      .slice(0, NAMED)
      .map(({ query, calls }) => ({
        query: printable(query.replace(/\s+/g, " ").trim(), SHOWN),
        calls,
      }));
    const gaps = [
      ...(hidden > 0
        ? [
            `${hidden} statements of other roles are hidden from ${facts.installer}: GRANT ` +
              `pg_read_all_stats TO ${facts.installer};`,
          ]
        : []),
      ...(seen.length === TEXTS
        ? [`only the ${TEXTS} most called of those that have its name in them were looked at`]
        : []),
      ...(partitions.length === PARTITIONS
        ? [`only the first ${PARTITIONS} partitions were looked for`]
        : []),
    ];
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

const TOKEN = new RegExp(
  [
    "--[^\\n]*",
    "/\\*[^]*?(?:\\*/|$)",
    "[eE]'(?:\\\\[^]|''|[^'\\\\])*(?:'|$)",
    "'(?:''|[^'])*(?:'|$)",
    "\\$([A-Za-z_]\\w*)?\\$[^]*?(?:\\$\\1\\$|$)",
    '"(?:""|[^"])*(?:"|$)',
    "[A-Za-z_\\u0080-\\uffff][\\w$\\u0080-\\uffff]*",
    "[().]",
  ].join("|"),
  "g",
);

interface Token {
  readonly text: string;
  readonly word: boolean;
  readonly quoted: boolean;
}

/** Words and brackets; comments, strings and numbers are gone. */
function tokens(query: string): Token[] {
  return (query.match(TOKEN) ?? []).flatMap((text): Token[] => {
    if (/^(--|\/\*|\$|[eE]?')/.test(text)) return [];
    if (text.startsWith('"'))
      return [
        { text: text.slice(1).replace(/"$/, "").replace(/""/g, '"'), word: true, quoted: true },
      ];
    return [{ text: text.toLowerCase(), word: /^[^().]/.test(text), quoted: false }];
  });
}

const STATEMENT = /^(select|insert|update|delete|merge|with|declare|prepare)$/;
/** Behind these a column says which rows; behind those it does not any more. */
const OPENS = /^(where|on|using|having)$/;
const CLOSES =
  /^(select|from|set|values|returning|group|order|window|limit|offset|union|intersect|except|do)$/;

/**
 * Whether a statement's text addresses rows of the table by its partition column or by the name of
 * a partition, or upserts on it: every unique index of a partitioned table has the partition
 * column, so each ON CONFLICT does. Aliases are not followed.
 */
export function addresses(query: string, { table, partitions, column }: Wanted): boolean {
  const all = tokens(query);
  const first = all.find(({ word }) => word);
  if (!first || first.quoted || !STATEMENT.test(first.text)) return false;
  const keyword = (at: number): string => (all[at] && !all[at].quoted ? all[at].text : "");
  const ours = all.some(({ text }, at) => text === "ruvector" && keyword(at + 1) === ".");
  if (ours) return false;
  /** The keyword before a name; ONLY may stand between. */
  const keywordBefore = (start: number): string =>
    keyword(start - 1) === "only" ? keyword(start - 2) : keyword(start - 1);
  /** Where a name begins: its schema is before it. */
  const named = (at: number, { schema, name }: Named): number | null => {
    if (!all[at]!.word || all[at]!.text !== name || keyword(at + 1) === ".") return null;
    if (keyword(at - 1) !== ".") return at;
    return all[at - 2]?.text === schema ? at - 2 : null;
  };
  let mentioned = false;
  let into = false;
  const open: boolean[] = [];
  let addressing = false;
  let by = false;
  for (const [at, { text, word, quoted }] of all.entries()) {
    if (text === "(" && !word) open.push(addressing);
    else if (text === ")" && !word) addressing = open.pop() ?? false;
    else if (word) {
      const partition = partitions.map((one) => named(at, one)).find((start) => start !== null);
      const start = named(at, table) ?? partition ?? null;
      const before = start === null ? "" : keywordBefore(start);
      if (start !== null && /^(from|join|update|into|using)$/.test(before)) {
        mentioned = true;
        into ||= before === "into";
        if (partition !== undefined && before !== "into") return true;
      } else if (addressing && text === column) by = true;
      if (quoted) continue;
      if (text === "on" && keyword(at + 1) === "conflict") {
        if (into) return true;
        addressing = false;
      } else if (OPENS.test(text)) addressing = true;
      else if (CLOSES.test(text) && !(text === "from" && keyword(at - 1) === "distinct"))
        addressing = false;
    }
  }
  return mentioned && by;
}
