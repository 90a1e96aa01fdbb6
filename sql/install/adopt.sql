-- What a plain script made becomes the extension's, with all that is in it: CREATE OR REPLACE and
-- IF NOT EXISTS refuse what is no member. What runs as the owners of tables is made when it is
-- needed, belongs to them, and is no member in any installation.
DO $adopt$
DECLARE
  object pg_catalog.text;
BEGIN
  FOR object IN
    SELECT o.object FROM (
      SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass AS classid, n.oid,
             pg_catalog.format('SCHEMA %I', n.nspname) AS object
        FROM pg_catalog.pg_namespace n WHERE n.nspname = 'ruvector'
       UNION ALL
      SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, pg_catalog.format('%s %s',
             CASE c.relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW'
               WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, c.oid::pg_catalog.regclass)
        FROM pg_catalog.pg_class c
       WHERE c.relnamespace = pg_catalog.to_regnamespace('ruvector')
         AND c.relkind IN ('r', 'p', 'S', 'v', 'm')
         -- A table of somebody else's that is in our schema would be in no dump any more.
         AND c.relname ~ '^(healing_|integrity_|collections($|_))'
       UNION ALL
      SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid,
             pg_catalog.format('ROUTINE %s', p.oid::pg_catalog.regprocedure)
        FROM pg_catalog.pg_proc p
       WHERE (p.pronamespace = pg_catalog.to_regnamespace('ruvector')
           AND p.proname ~ '^(healing|ruvector)_' AND p.proname !~ '^healing_as_[0-9]')
          OR (pg_catalog.to_regnamespace('ruvector') IS NOT NULL
            AND p.pronamespace = pg_catalog.to_regnamespace('public')
            AND p.proname ~ '^ruvector_(healing|integrity|contracted)_')
    ) o
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = o.classid
      AND d.objid = o.oid AND d.deptype = 'e')
  LOOP
    EXECUTE pg_catalog.format('ALTER EXTENSION ruvector_healing ADD %s', object);
  END LOOP;
END
$adopt$;
