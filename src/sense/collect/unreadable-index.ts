/** Why searches by an index could not be made, and what to type. */
import sql from "sql-template-tag";
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
  const [row] = host.query<{ grant: string }>(sql`
    SELECT format('GRANT SELECT ON %I.%I TO %I;', n.nspname, h.relname, current_user) AS grant
      FROM pg_index i JOIN pg_class h ON h.oid = i.indrelid
        JOIN pg_namespace n ON n.oid = h.relnamespace
     WHERE i.indexrelid = to_regclass(${index})`);
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
