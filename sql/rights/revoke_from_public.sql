-- Nothing here is executable by PUBLIC but the routing of new rows, which writers need as a column
-- DEFAULT and which reads one small table.
DO $rights$
DECLARE
  routine regprocedure;
  one record;
BEGIN
  -- Nor is anything new open to those whom ALTER DEFAULT PRIVILEGES of the installing role names
  -- (Supabase's give anon all functions made in public); what was granted by hand outlives an
  -- upgrade.
  FOR routine IN
    SELECT p.oid FROM pg_catalog.pg_proc p
     WHERE (p.pronamespace = 'ruvector'::regnamespace
        OR (p.pronamespace = 'public'::regnamespace
          AND p.proname ~ '^ruvector_(healing|integrity|contracted)_'))
       AND p.proowner = (SELECT n.nspowner FROM pg_catalog.pg_namespace n
         WHERE n.nspname = 'ruvector')
       AND p.oid::text <> ALL
         (string_to_array(current_setting('ruvector_healing.routines_before', true), ' '))
  LOOP
    PERFORM ruvector.healing_close(routine);
  END LOOP;
  FOR one IN
    SELECT DISTINCT o.place, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
             AS other
      FROM (SELECT c.oid::regclass::text AS place, c.relowner AS owner, c.relacl AS acl
              FROM pg_catalog.pg_class c
             WHERE c.relnamespace = 'ruvector'::regnamespace AND c.oid::text <> ALL
               (string_to_array(current_setting('ruvector_healing.relations_before', true), ' '))
             UNION ALL
            SELECT 'SCHEMA ruvector', n.nspowner, n.nspacl FROM pg_catalog.pg_namespace n
             WHERE n.nspname = 'ruvector'
               AND current_setting('ruvector_healing.relations_before', true) = '') o
     CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) a
     WHERE a.grantee <> o.owner
  LOOP
    EXECUTE format('REVOKE ALL ON %s FROM %s', one.place, one.other);
  END LOOP;
  PERFORM set_config('ruvector_healing.relations_before', '', false);
  FOR routine IN
    SELECT p.oid FROM pg_catalog.pg_proc p
     WHERE (p.pronamespace = 'ruvector'::regnamespace
       AND p.proname ~ '^(ruvector_|)(healing|integrity|contracted)_')
        OR (p.pronamespace = 'public'::regnamespace
          AND p.proname ~ '^ruvector_(healing|integrity|contracted)_')
  LOOP
    EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', routine);
  END LOOP;
  EXECUTE 'GRANT EXECUTE ON FUNCTION public.ruvector_healing_route(text, text) TO PUBLIC';
END
$rights$;
