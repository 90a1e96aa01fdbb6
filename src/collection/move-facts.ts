/**
 * What the catalogues say about everything that a move of rows would set off, wait for, or be seen
 * by.
 */
import sql, { join, type Sql, raw } from "sql-template-tag";
import type { Host, Untrusted } from "../host/host.ts";

/** Names, as people read them. What lies on partitions counts like what lies on the table. */
export interface MoveFacts {
  readonly triggers: readonly string[];
  /** ON UPDATE, on the table itself: rules of partitions do not see a statement on the table. */
  readonly rules: readonly string[];
  readonly referenced_by: readonly string[];
  readonly references: readonly string[];
  readonly publications: readonly string[];
  readonly subscriptions: readonly string[];
  /** Unique or exclusion constraints that the row mover cannot check before it moves. */
  readonly unclear_constraints: readonly string[];
  readonly deferrable_constraints: readonly string[];
  /** Generated columns that would have another value in another partition. */
  readonly generated: readonly string[];
  readonly forced_row_security: boolean;
  readonly sub_partitioned: readonly string[];
  readonly foreign_partitions: readonly string[];
  readonly other_owners: readonly string[];
}

/**
 * A row of pg_trigger `g` that is the user's, and fires. A throttle's is ours, and sees statements
 * of INSERT only.
 */
const USERS_TRIGGER = raw(`NOT g.tgisinternal AND g.tgenabled <> 'D'
  AND g.tgfoid NOT IN (
    SELECT p.oid FROM pg_proc p
     WHERE p.pronamespace = 'ruvector'::regnamespace
       AND p.proname IN ('healing_throttle_before', 'healing_throttle_after'))`);

/** Whether `c` is one of the partitions that matter. */
function amongThose(only: readonly string[] | null): Sql {
  if (only === null) return sql`true`;
  if (only.length === 0) return sql`false`;
  const oids = only.map((one) => sql`${one}::oid`);
  return sql`c.oid IN (${join(oids, ", ")})`;
}

/** The table, and its partitions: all, or those that a step of an undo touches. */
const familyOf = (relid: string, only: readonly string[] | null): Sql => sql`
  t AS (SELECT c.* FROM pg_class c WHERE c.oid = ${relid}::oid),
  leaves AS (
    SELECT c.oid, c.relkind, c.relname, c.relowner, c.relnamespace
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = ${relid}::oid AND ${amongThose(only)}
  ), family AS (
    SELECT oid, relnamespace FROM t UNION SELECT oid, relnamespace FROM leaves
  )`;

const ON_FAMILY = raw("IN (SELECT oid FROM family)");

const names = (found: Sql): Sql =>
  sql`coalesce((SELECT json_agg(DISTINCT x.name ORDER BY x.name) FROM (${found}) x(name)), '[]')`;

/**
 * A foreign key that is not enforced (PostgreSQL 18) fires nothing; those of partitions are their
 * table's.
 */
const ENFORCED = raw(
  "f.contype = 'f' AND f.conparentid = 0 AND coalesce((to_jsonb(f) ->> " +
    "'conenforced')::boolean, true)",
);

/**
 * With what they leave out: "moves (inserts only)", "part (of partition r_1, with a row filter)".
 */
const PUBLICATIONS = sql`
  SELECT format('%I (%s)', p.pubname, concat_ws(', ',
           CASE WHEN p.puballtables THEN 'for all tables'
                WHEN EXISTS (SELECT FROM pg_publication_rel r JOIN t ON r.prrelid = t.oid
                  WHERE r.prpubid = p.oid) THEN NULL
                WHEN EXISTS (SELECT FROM pg_publication_namespace s WHERE s.pnpubid = p.oid
                  AND s.pnnspid IN (SELECT relnamespace FROM family)) THEN 'for the schema'
                ELSE 'of single partitions: ' || (SELECT string_agg(quote_ident(l.relname), ', '
                  ORDER BY l.relname) FROM pg_publication_rel r JOIN leaves l ON l.oid = r.prrelid
                  WHERE r.prpubid = p.oid) END,
           CASE WHEN p.pubinsert AND p.pubupdate AND p.pubdelete THEN 'all operations'
                ELSE concat_ws(' and ', CASE WHEN p.pubinsert THEN 'inserts' END, CASE
                  WHEN p.pubupdate THEN 'updates' END, CASE WHEN p.pubdelete
                  THEN 'deletes' END, 'nothing else') END,
           CASE WHEN EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid
             AND r.prqual IS NOT NULL AND r.prrelid IN (SELECT oid FROM family))
             THEN 'with a row filter' END,
           CASE WHEN EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid
             AND r.prattrs IS NOT NULL AND r.prrelid IN (SELECT oid FROM family))
             THEN 'with a column list' END))
    FROM pg_publication p
   WHERE (p.puballtables AND (SELECT relpersistence FROM t) = 'p')
      OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid
        AND r.prrelid IN (SELECT oid FROM family))
      OR EXISTS (SELECT FROM pg_publication_namespace s WHERE s.pnpubid = p.oid
        AND s.pnnspid IN (SELECT relnamespace FROM family))`;

/** Indexes and constraints on which a row could collide, and the row mover cannot tell before. */
const UNCLEAR_CONSTRAINTS = sql`
  SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
   WHERE i.indrelid ${ON_FAMILY} AND (i.indisexclusion
     OR (i.indisunique AND (i.indpred IS NOT NULL OR i.indexprs IS NOT NULL
     -- NULL meets NULL only in the index, and so does what another collation takes for
     -- equal.
     OR (i.indnullsnotdistinct AND EXISTS (SELECT FROM pg_attribute a
       WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) AND NOT a.attnotnull))
     OR EXISTS (SELECT
       FROM unnest(i.indkey::int2[], i.indcollation::oid[]) k(attnum, held)
       JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                 WHERE k.held <> 0 AND k.held <> a.attcollation))))`;

/** Generated columns that follow from the partition key, or are computed otherwise elsewhere. */
const generatedByPlace = (relid: string): Sql => sql`
  SELECT c.attname FROM computed c
   WHERE EXISTS (SELECT FROM pg_depend o JOIN pg_attribute a ON a.attrelid = o.refobjid
     AND a.attnum = o.refobjsubid AND a.attname IN (SELECT attname FROM key)
                  WHERE o.refclassid = 'pg_class'::regclass AND o.refobjid = c.attrelid
                    AND ((o.classid = 'pg_attrdef'::regclass AND o.objid = c.oid)
                      OR (o.classid = 'pg_class'::regclass AND o.objid = c.attrelid
                      AND o.objsubid = c.attnum)))
      OR EXISTS (SELECT FROM computed r WHERE r.attrelid = ${relid}::oid
        AND r.attname = c.attname AND r.expression <> c.expression)`;

/** @param only the partitions that matter, by oid; null: all of them */
export function readMoveFacts(
  host: Host,
  relid: string,
  only: readonly string[] | null = null,
): MoveFacts {
  return host.one<MoveFacts>(sql`
    WITH ${familyOf(relid, only)},
    key AS (SELECT a.attname
      FROM pg_partitioned_table p JOIN pg_attribute a ON a.attrelid = p.partrelid
      AND a.attnum = p.partattrs[0] WHERE p.partrelid = ${relid}::oid),
    computed AS (
      SELECT a.attrelid, a.attname, a.attnum, d.oid, pg_get_expr(d.adbin, d.adrelid) AS expression
        FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
          WHERE a.attrelid ${ON_FAMILY} AND a.attgenerated <> ''
    )
    SELECT ${names(sql`SELECT g.tgname FROM pg_trigger g WHERE g.tgrelid ${ON_FAMILY}
      AND ${USERS_TRIGGER}`)}
      AS triggers,
           ${names(sql`SELECT r.rulename FROM pg_rewrite r JOIN t ON r.ev_class = t.oid
             WHERE r.ev_type = '2' AND r.ev_enabled <> 'D'`)}
             AS rules,
           ${names(sql`SELECT format('%I of %s', f.conname, f.conrelid::regclass)
             FROM pg_constraint f WHERE f.confrelid ${ON_FAMILY} AND ${ENFORCED}`)}
             AS referenced_by,
           ${names(sql`SELECT format('%I to %s', f.conname, f.confrelid::regclass)
             FROM pg_constraint f WHERE f.conrelid ${ON_FAMILY} AND ${ENFORCED}`)}
             AS "references",
           ${names(PUBLICATIONS)} AS publications,
           ${names(sql`SELECT s.subname
             FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid
             WHERE r.srrelid ${ON_FAMILY}`)}
             AS subscriptions,
           ${names(UNCLEAR_CONSTRAINTS)}
                              AS unclear_constraints,
           ${names(sql`
             SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
               WHERE i.indrelid ${ON_FAMILY} AND NOT i.indimmediate`)}
               AS deferrable_constraints,
           ${names(generatedByPlace(relid))}
                   AS generated,
           (SELECT relrowsecurity AND (relforcerowsecurity
             OR NOT pg_has_role(current_user, relowner, 'USAGE')) FROM t) AS forced_row_security,
           ${names(sql`SELECT relname FROM leaves WHERE relkind = 'p'`)} AS sub_partitioned,
           ${names(sql`SELECT relname FROM leaves WHERE relkind = 'f'`)} AS foreign_partitions,
           ${names(sql`SELECT format('%I of %s', l.relname,
             quote_ident(pg_get_userbyid(l.relowner)))
             FROM leaves l JOIN t ON l.relowner <> t.relowner`)}
             AS other_owners`);
}

/**
 * Asked once more before a batch ends: no lock that writers could live with holds a publication
 * off.
 */
export const readPublications = (host: Host, relid: string): readonly string[] =>
  host.one<{ publications: string[] }>(
    sql`WITH ${familyOf(relid, null)} SELECT ${names(PUBLICATIONS)} AS publications`,
  ).publications;

/** What SET CONSTRAINTS calls users' triggers that may wait for the commit. */
export const deferrableTriggers = (host: Host, relid: string): readonly string[] =>
  host
    .query<{ name: string }>(sql`
    WITH ${familyOf(relid, null)}
    SELECT DISTINCT format('%I.%I', n.nspname, k.conname) AS name
      FROM pg_trigger g JOIN pg_constraint k ON k.oid = g.tgconstraint
        JOIN pg_namespace n ON n.oid = k.connamespace
     WHERE g.tgrelid IN (SELECT oid FROM family) AND g.tgdeferrable AND ${USERS_TRIGGER}`)
    .map(({ name }) => name);

/** Without a lock: for those who only want to know. Whoever touches rows asks host.untrusted(). */
export const readUntrusted = (host: Host, relid: string): readonly Untrusted[] =>
  host.query<Untrusted>(
    sql`SELECT usage, what, hint FROM ruvector.healing_untrusted(${relid}::oid) LIMIT 20`,
  );
