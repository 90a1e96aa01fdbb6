/** Partitions that cannot be read: closed, locked, untrusted, foreign. */
import { untrustedText } from "../../collection/obstacles.ts";
import type { Unmeasured } from "../../model/measured.ts";
import sql from "sql-template-tag";
import { family, type Partition } from "../../collection/introspect.ts";
import type { Host } from "../../host/host.ts";
import { SqlError } from "../../base/errors.ts";
import type { Collection } from "../../model/collection.ts";
import { list, printable } from "../../base/text.ts";

interface Closed {
  readonly qualified: string;
  readonly role: string;
  /** What would open it; null: the right to read it. */
  readonly hint: string | null;
}

/** Partitions that may not be read by themselves: a right on the table does not reach them. */
export function unreadable(
  host: Host,
  collection: Collection,
  partitions: readonly Partition[],
): readonly Closed[] {
  const asked = partitions.map(({ relid, qualified }) => ({ relid, qualified }));
  try {
    return host.asOwner(collection.relid, "catalogue").query<Closed>(sql`
      SELECT p ->> 'qualified' AS qualified, quote_ident(current_user) AS role,
             CASE WHEN has_table_privilege((p ->> 'relid')::oid, 'SELECT')
               THEN format('Row-level security hides rows of it from role %I.', current_user) END
               AS hint
        FROM jsonb_array_elements(${JSON.stringify(asked)}::jsonb) p
       WHERE NOT has_table_privilege((p ->> 'relid')::oid, 'SELECT')
         OR row_security_active((p ->> 'relid')::oid)`);
  } catch (error) {
    if (!(error instanceof SqlError) || error.sqlstate !== "42501") throw error;
    return partitions.map(({ qualified }) => ({
      qualified,
      role: "",
      hint: error.document.hint ?? error.document.message,
    }));
  }
}

export const unreadableGap = (closed: readonly Closed[]): Unmeasured => ({
  what: "partition rows",
  why:
    `${closed.length} of the partitions may not be read by themselves ` +
    `(${closed[0]!.qualified}); rows come from the statistics, bytes are not compared`,
  hint:
    closed[0]!.hint ??
    `GRANT SELECT ON ${closed
      .filter(({ hint }) => hint === null)
      .map(({ qualified }) => qualified)
      .slice(0, 20)
      .join(", ")} TO ${closed[0]!.role};`,
});

/** Under the lock that reachable() took. */
export function untrustedGap(host: Host, collection: Collection): Unmeasured[] {
  const found = host.untrusted(collection.relid).filter(({ usage }) => usage === "read");
  if (found.length === 0) return [];
  return [
    {
      what: "partition rows",
      why: `${untrustedText(found)}; rows come from the statistics, bytes are not compared`,
      hint: printable(found[0]!.hint, 600),
    },
  ];
}

export function foreignGap(host: Host, collection: Collection): Unmeasured[] {
  const foreign = host.query<{ name: string }>(sql`
    SELECT format('%I.%I', n.nspname, c.relname) AS name
      FROM ${family(sql`${collection.relid}::oid`)} f
      JOIN pg_class c ON c.oid = f.relid
        AND c.relkind = 'f' JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY 1`);
  if (foreign.length === 0) return [];
  return [
    {
      what: "foreign partitions",
      why:
        `${list(foreign.map(({ name }) => name))} on other servers: nothing is asked of those, ` +
        "and nothing here is compared with them",
      hint: "Register the table on the server that has it.",
    },
  ];
}

export const LOCKED: Unmeasured = {
  what: "partition bytes",
  why:
    "a partition or an index of one is locked ACCESS EXCLUSIVE by another session; rows come " +
    "from the statistics, sizes from the last vacuum",
  hint: "SELECT * FROM pg_locks WHERE mode = 'AccessExclusiveLock';",
};
