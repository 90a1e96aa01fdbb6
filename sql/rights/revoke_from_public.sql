-- Nothing here is executable by PUBLIC but the routing of new rows, which writers need as a column
-- DEFAULT and which reads one small table.
DO $rights$
DECLARE
  routine regprocedure;
BEGIN
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
