-- What of others stands in our schema: a role called ruvector has it in its search_path, and makes
-- its tables there. By name: ours begin so, and nothing else of theirs is told from them.
CREATE OR REPLACE FUNCTION ruvector.healing_lodgers()
RETURNS TABLE (classid oid, objid oid, statement text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT 'pg_class'::regclass::oid, c.oid, format('ALTER %s %s SET SCHEMA public;',
           CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
             WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'S' THEN 'SEQUENCE' WHEN 'c' THEN 'TYPE'
             ELSE 'TABLE' END, c.oid::regclass)
    FROM pg_class c
   WHERE c.relnamespace = 'ruvector'::regnamespace
     AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')
     AND c.relname !~ '^(healing_|integrity_|collections($|_))'
     -- A sequence of a column goes where its table goes.
     AND NOT (c.relkind = 'S' AND EXISTS (SELECT FROM pg_depend d
       WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
         AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')))
   UNION ALL
  SELECT 'pg_type'::regclass, t.oid, format('ALTER TYPE %s SET SCHEMA public;', t.oid::regtype)
    FROM pg_type t
   WHERE t.typnamespace = 'ruvector'::regnamespace AND t.typtype IN ('e', 'd', 'r')
   UNION ALL
  SELECT 'pg_proc'::regclass, p.oid, format('ALTER ROUTINE %s SET SCHEMA public;',
           p.oid::regprocedure)
    FROM pg_proc p
   WHERE p.pronamespace = 'ruvector'::regnamespace AND p.proname !~ '^(healing|ruvector)_';
$function$;
COMMENT ON FUNCTION ruvector.healing_lodgers()
  IS 'What is not ours in schema ruvector, and the statement that takes it out.';

-- What is not ours and would go with us: a column's DEFAULT that calls ruvector_healing_route(), a
-- view on a function or table of ours, a table in our schema. With the statement that frees it.
CREATE OR REPLACE FUNCTION ruvector.healing_dependents()
RETURNS TABLE (what text, statement text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH lodgers AS MATERIALIZED (
    SELECT * FROM ruvector.healing_lodgers()
  ), ours AS MATERIALIZED (
    SELECT 'pg_namespace'::regclass::oid AS classid, 'ruvector'::regnamespace::oid AS objid
     UNION ALL
    SELECT 'pg_class'::regclass, c.oid FROM pg_class c
     WHERE c.relnamespace = 'ruvector'::regnamespace
       AND c.oid NOT IN (SELECT l.objid FROM lodgers l)
     UNION ALL
    SELECT 'pg_type'::regclass, t.oid FROM pg_type t
     WHERE t.typnamespace = 'ruvector'::regnamespace
       AND t.typname ~ '^_*(healing_|integrity_|collections($|_))'
     UNION ALL
    SELECT 'pg_proc'::regclass, r FROM ruvector.healing_routines() r
     WHERE r NOT IN (SELECT l.objid FROM lodgers l)
  ), found AS (
    SELECT DISTINCT d.classid, d.objid, d.objsubid, CASE d.classid
             WHEN 'pg_attrdef'::regclass THEN
               (SELECT a.adrelid FROM pg_attrdef a WHERE a.oid = d.objid)
             WHEN 'pg_rewrite'::regclass THEN
               (SELECT r.ev_class FROM pg_rewrite r WHERE r.oid = d.objid)
             WHEN 'pg_constraint'::regclass THEN
               (SELECT x.conrelid FROM pg_constraint x WHERE x.oid = d.objid)
             WHEN 'pg_trigger'::regclass THEN
               (SELECT t.tgrelid FROM pg_trigger t WHERE t.oid = d.objid)
             WHEN 'pg_policy'::regclass THEN
               (SELECT p.polrelid FROM pg_policy p WHERE p.oid = d.objid)
             WHEN 'pg_class'::regclass THEN d.objid END AS relid
      FROM pg_depend d JOIN ours o ON d.refclassid = o.classid AND d.refobjid = o.objid
     WHERE d.deptype IN ('n', 'a')
       AND NOT EXISTS (SELECT FROM ours i WHERE i.classid = d.classid AND i.objid = d.objid)
       -- These lose a line, and nothing else.
       AND d.classid NOT IN ('pg_default_acl'::regclass, 'pg_publication_rel'::regclass,
         'pg_publication_namespace'::regclass)
  ), theirs AS (
    SELECT f.*, c.relkind, c.oid::regclass::text AS relation,
      CASE f.classid WHEN 'pg_attrdef'::regclass THEN
             (SELECT a.attname FROM pg_attrdef e JOIN pg_attribute a ON a.attrelid = e.adrelid
               AND a.attnum = e.adnum WHERE e.oid = f.objid)
           WHEN 'pg_class'::regclass THEN
             (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = f.objid
               AND a.attnum = f.objsubid AND f.objsubid > 0) END AS attribute
      FROM found f LEFT JOIN pg_class c ON c.oid = f.relid
     WHERE (c.oid IS NULL OR c.relnamespace NOT IN ('ruvector'::regnamespace,
         'pg_toast'::regnamespace))
       AND NOT EXISTS (SELECT FROM lodgers l WHERE l.classid = f.classid AND l.objid = f.objid)
       AND NOT (f.classid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type r
         WHERE r.oid = f.objid AND r.typnamespace = 'ruvector'::regnamespace))
  )
  SELECT pg_describe_object(t.classid, t.objid, t.objsubid),
    CASE t.classid
      WHEN 'pg_attrdef'::regclass THEN format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT;',
        t.relation, t.attribute)
      WHEN 'pg_rewrite'::regclass THEN CASE t.relkind
        WHEN 'v' THEN format('DROP VIEW %s;', t.relation)
        WHEN 'm' THEN format('DROP MATERIALIZED VIEW %s;', t.relation)
        ELSE format('DROP RULE %I ON %s;', (SELECT r.rulename FROM pg_rewrite r
          WHERE r.oid = t.objid), t.relation) END
      WHEN 'pg_constraint'::regclass THEN format('ALTER TABLE %s DROP CONSTRAINT %I;', t.relation,
        (SELECT x.conname FROM pg_constraint x WHERE x.oid = t.objid))
      WHEN 'pg_trigger'::regclass THEN format('DROP TRIGGER %I ON %s;',
        (SELECT g.tgname FROM pg_trigger g WHERE g.oid = t.objid), t.relation)
      WHEN 'pg_policy'::regclass THEN format('DROP POLICY %I ON %s;',
        (SELECT p.polname FROM pg_policy p WHERE p.oid = t.objid), t.relation)
      WHEN 'pg_proc'::regclass THEN format('DROP ROUTINE %s;', t.objid::regprocedure)
      WHEN 'pg_class'::regclass THEN CASE WHEN t.relkind IN ('i', 'I')
        THEN format('DROP INDEX %s;', t.relation)
        ELSE format('ALTER TABLE %s DROP COLUMN %I;', t.relation, t.attribute) END
      ELSE format('-- drop the %s', pg_describe_object(t.classid, t.objid, t.objsubid)) END
    FROM theirs t
   -- The triggers of a throttle are ours.
   WHERE NOT (t.classid = 'pg_trigger'::regclass AND EXISTS (SELECT FROM pg_trigger g
     WHERE g.oid = t.objid AND g.tgname LIKE E'ruvector\\_healing\\_throttle\\_%'))
     -- What is said of a partitioned table goes for its partitions.
     AND NOT (t.classid = 'pg_attrdef'::regclass AND EXISTS (SELECT FROM pg_inherits h
       JOIN theirs p ON p.relid = h.inhparent AND p.attribute = t.attribute
      WHERE h.inhrelid = t.relid AND p.classid = 'pg_attrdef'::regclass))
   UNION ALL
  SELECT pg_describe_object(l.classid, l.objid, 0), l.statement FROM lodgers l
   ORDER BY 1;
$function$;
COMMENT ON FUNCTION ruvector.healing_dependents()
  IS 'What of others uses something of ours, and the statement that frees it.';
