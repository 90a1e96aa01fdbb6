/** Why searches by an index could not be made, and what to type. */
import sql, { type Sql } from "sql-template-tag";
import { SQLSTATES, type SqlError } from "../../base/errors.ts";
import { printable } from "../../base/text.ts";
import type { Host } from "../../host/host.ts";

/** What to type where a statement may not write its temporary files. */
export const moreTemporary = (host: Host, sqlstate: string): string | undefined =>
  sqlstate === "53400"
    ? host.one<{ hint: string }>(sql`SELECT hint FROM ruvector.healing_temporary_files()`).hint
    : undefined;

/** On one line, where there is no place for a hint. */
export const whyNot = (host: Host, { document, sqlstate }: SqlError): string =>
  [printable(document.message, 300), moreTemporary(host, sqlstate) ?? []].flat().join(". ");

/**
 * What the role that searches has not: the owner of the table, who may have lost rights to it and
 * to pgvector's schema, or, where we may not act as them, ours.
 */
const missingRights = (index: string): Sql => sql`
  SELECT string_agg(m.grant, ' ' ORDER BY m.grant DESC) AS grant
    FROM pg_index i JOIN pg_class h ON h.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = h.relnamespace
   CROSS JOIN LATERAL ruvector.healing_access(h.oid) a
   CROSS JOIN LATERAL (SELECT CASE a.how WHEN 'owner' THEN a.owner ELSE current_user END) r (role)
   CROSS JOIN LATERAL (
     SELECT format('GRANT USAGE ON SCHEMA %I TO %I;', s.nspname, r.role) AS grant
       FROM pg_namespace s
      WHERE s.oid IN (n.oid, (SELECT e.extnamespace FROM pg_extension e
        WHERE e.extname = 'vector'))
        AND NOT has_schema_privilege(r.role, s.oid, 'USAGE')
      UNION ALL
     SELECT format('GRANT SELECT ON %I.%I TO %I;', n.nspname, h.relname, r.role)
      WHERE NOT has_table_privilege(r.role, h.oid, 'SELECT')) m
   WHERE i.indexrelid = to_regclass(${index})`;

export function unreadable(
  host: Host,
  index: string,
  { sqlstate, document }: SqlError,
): { why: string; hint: string } {
  if (sqlstate === "55P03")
    return {
      why: "its table is locked ACCESS EXCLUSIVE by another session",
      hint: "SELECT * FROM pg_locks WHERE mode = 'AccessExclusiveLock';",
    };
  const [row] = host.query<{ grant: string | null }>(missingRights(index));
  if (sqlstate === SQLSTATES.untrusted_code)
    return { why: printable(document.message, 600), hint: printable(document.hint ?? "", 600) };
  // What may act as its owner only says so itself: the right to read is not what is missing.
  const granted = sqlstate === "42501" ? document.hint || row?.grant : undefined;
  return {
    why: document.message,
    hint:
      granted ?? moreTemporary(host, sqlstate) ?? "Ask for it by hand: ruvector_healing_recall().",
  };
}
