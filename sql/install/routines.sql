-- By name and owner: in public others may have one of a name like ours, and its owner, too.
CREATE OR REPLACE FUNCTION ruvector.healing_routines()
RETURNS SETOF oid
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.nspname = 'ruvector'
   WHERE p.pronamespace = n.oid
      OR (p.pronamespace = to_regnamespace('public') AND p.proowner = n.nspowner
        AND p.proname IN (SELECT l.routine FROM ruvector.healing_levels() l));
$function$;
COMMENT ON FUNCTION ruvector.healing_routines() IS 'All functions and procedures of ours.';
