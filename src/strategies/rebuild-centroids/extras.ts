/** What goes over from one index to the other beside its definition. */
import sql, { raw } from "sql-template-tag";
import type { Host } from "../../host/host.ts";

/**
 * What an index carries beside its definition, and another is to carry as well: its comment, the
 * statistics targets of its expressions, the extensions with which it goes (DEPENDS ON EXTENSION).
 * Other marks (CLUSTER ON, REPLICA IDENTITY, membership in an extension, owner, rights) no vector
 * index has of its own.
 */
export function copyExtras(host: Host, from: string, to: string): void {
  const { statements } = host.one<{ statements: readonly string[] }>(sql`
    WITH ends AS (SELECT ${from}::oid AS old, to_regclass(${to})::oid AS new, ${to}::text AS name),
    needs AS (
      SELECT d.objid, e.extname FROM ends CROSS JOIN pg_depend d JOIN pg_extension e
        ON e.oid = d.refobjid
       WHERE d.classid = 'pg_class'::regclass AND d.objid IN (old, new) AND d.deptype = 'x'
         AND d.refclassid = 'pg_extension'::regclass)
    SELECT ARRAY(
      SELECT format('COMMENT ON INDEX %s IS %s', name,
          coalesce(quote_literal(obj_description(old, 'pg_class')), 'NULL'))
        FROM ends WHERE obj_description(old, 'pg_class')
          IS DISTINCT FROM obj_description(new, 'pg_class')
      UNION ALL
      SELECT format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', name, o.attnum,
          coalesce(o.attstattarget, -1))
        FROM ends JOIN pg_attribute o ON o.attrelid = old
          JOIN pg_attribute n ON n.attrelid = new AND n.attnum = o.attnum
       WHERE coalesce(n.attstattarget, -1) <> coalesce(o.attstattarget, -1)
      UNION ALL
      SELECT format('ALTER INDEX %s DEPENDS ON EXTENSION %I', name, extname) FROM ends JOIN needs o
        ON objid = old WHERE NOT EXISTS (SELECT FROM needs n
          WHERE n.objid = new AND n.extname = o.extname)
      UNION ALL
      SELECT format('ALTER INDEX %s NO DEPENDS ON EXTENSION %I', name, extname)
        FROM ends JOIN needs n ON objid = new WHERE NOT EXISTS (SELECT FROM needs o
          WHERE o.objid = old AND o.extname = n.extname)) AS statements`);
  for (const statement of statements) host.execute(sql`${raw(statement)}`);
}
