-- Nothing of somebody else's may stand where ours is about to be: CREATE OR REPLACE would leave a
-- function with its owner, who could change what it does, and CREATE ... IF NOT EXISTS would take
-- their table for ours. The same check tells an upgrade by another role, which would leave an
-- installation of two owners.
DO $ours$
DECLARE
  foreign_object pg_catalog.text;
  foreign_owner pg_catalog.name;
BEGIN
  SELECT f.what, pg_catalog.pg_get_userbyid(f.owner) INTO foreign_object, foreign_owner
    FROM (
      SELECT 'schema ruvector' AS what, n.nspowner AS owner, 1 AS place
        FROM pg_catalog.pg_namespace n WHERE n.nspname = 'ruvector'
      UNION ALL
      SELECT 'relation ' || c.oid::pg_catalog.regclass, c.relowner, 2 FROM pg_catalog.pg_class c
        WHERE c.relnamespace = pg_catalog.to_regnamespace('ruvector')
      UNION ALL
      SELECT 'routine ' || p.oid::pg_catalog.regprocedure, p.proowner, 3
        FROM pg_catalog.pg_proc p
       WHERE (p.pronamespace = pg_catalog.to_regnamespace('ruvector')
              -- Owners of registered tables have one function each, made by us:
              -- sql/trust/runner.sql. One that its owner altered is not called any
              -- more, and is no reason against an upgrade.
              AND p.proname !~ '^healing_as_[0-9]')
          OR (p.pronamespace = 'public'::pg_catalog.regnamespace
            AND p.proname ~ '^ruvector_(healing|integrity|contracted)_')
    ) f
   WHERE f.owner <> (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)
   ORDER BY f.place, f.what LIMIT 1;
  IF foreign_object IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'RV032', MESSAGE = pg_catalog.format('%s belongs to role %I',
      foreign_object, foreign_owner),
      DETAIL = pg_catalog.format('This script is run by role %I, and what it makes must belong '
        'to one role.', current_user),
      HINT = pg_catalog.format('If %1$I installed ruvector_healing: SET ROLE %1$I; and run the '
        'script again. If not, drop what it made: it is not ours.', foreign_owner);
  END IF;
END
$ours$;

-- Nor in a schema of that name that the same role has for something else: what uninstalls us drops
-- the schema, and nobody could tell any more whose is what.
DO $schema$
DECLARE
  inside pg_catalog.text;
BEGIN
  IF pg_catalog.to_regprocedure('ruvector.healing_version()') IS NOT NULL
    -- Or as far as an earlier run of this script came.
    OR pg_catalog.obj_description(pg_catalog.to_regnamespace('ruvector'), 'pg_namespace')
      LIKE 'State and internals of ruvector_healing.%' THEN
    RETURN;
  END IF;
  -- What is called as ours are may be of an installation from before both.
  SELECT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) INTO inside
    FROM pg_catalog.pg_depend d
   WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.deptype = 'n'
     AND d.refobjid = pg_catalog.to_regnamespace('ruvector')
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c
       WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objid
         AND c.relname OPERATOR(pg_catalog.~) '^(healing|integrity)_')
   ORDER BY 1 LIMIT 1;
  IF inside IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'RV032',
      MESSAGE = 'schema ruvector is there, and is not ours',
      DETAIL = pg_catalog.format('It has %s. ruvector_healing keeps its state in a schema of that '
        'name, which is dropped when it is uninstalled.', inside),
      HINT = 'ALTER SCHEMA ruvector RENAME TO ruvector_own;  or install in another database.';
  END IF;
END
$schema$;
