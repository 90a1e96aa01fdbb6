-- What the role that installs has in public by a name of ours is overwritten by CREATE OR REPLACE,
-- or found by calls in the place of ours; and who drops us would drop it. In another schema it is
-- told: where that schema comes first in a search_path, calls find it.
DO $names$
DECLARE
  names constant pg_catalog.text[] := ARRAY[
    {{ROUTINES}}];
  taken pg_catalog.text;
  typed pg_catalog.text;
BEGIN
  -- All of ours call something of schema ruvector, and what an installation left behind is ours.
  SELECT pg_catalog.string_agg(p.oid::pg_catalog.regprocedure::text, ', ' ORDER BY p.oid),
         pg_catalog.string_agg(pg_catalog.format('ALTER ROUTINE %s RENAME TO %I;',
           p.oid::pg_catalog.regprocedure, p.proname || '_own'), ' ' ORDER BY p.oid)
    INTO taken, typed FROM pg_catalog.pg_proc p
   WHERE p.pronamespace = 'public'::pg_catalog.regnamespace AND p.proname = ANY (names)
     AND pg_catalog.strpos(p.prosrc, 'ruvector.') = 0;
  IF taken IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'RV032',
      MESSAGE = 'routines are there that have names of ours, and are not ours',
      DETAIL = taken || '.', HINT = typed || '  and run the script again.';
  END IF;
  SELECT pg_catalog.string_agg(p.oid::pg_catalog.regprocedure::pg_catalog.text, ', ' ORDER BY p.oid)
    INTO taken FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
   WHERE p.proname = ANY (names) AND n.nspname NOT IN ('public', 'ruvector')
     AND n.nspname NOT LIKE 'pg@_%' ESCAPE '@';
  IF taken IS NOT NULL THEN
    RAISE WARNING USING MESSAGE = 'other schemas have routines of the names of ours: ' || taken,
      HINT = 'Where their schema comes before public in a search_path, a call finds them: write '
        'public.ruvector_healing_status() for ours, or rename them.';
  END IF;
END
$names$;
