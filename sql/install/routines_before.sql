-- What was there before, with its rights settled: sql/rights/grant_to_levels.sql grants by level
-- only what is new, so that grants and revokes made by hand outlive an upgrade. Open to PUBLIC:
-- left by an installation that was cut short, so it counts as new.
DO $before$
BEGIN
  PERFORM pg_catalog.set_config('ruvector_healing.routines_before', coalesce((
    SELECT pg_catalog.string_agg(p.oid::pg_catalog.text, ' ')
      FROM pg_catalog.pg_proc p
     WHERE (p.pronamespace = pg_catalog.to_regnamespace('ruvector')
       OR (p.pronamespace = 'public'::pg_catalog.regnamespace AND p.proname LIKE E'ruvector\\_%'))
       AND p.proacl IS NOT NULL
       AND (p.proname = 'ruvector_healing_route'
         OR NOT EXISTS (SELECT FROM pg_catalog.aclexplode(p.proacl) a WHERE a.grantee = 0))), ''),
         false);
  PERFORM pg_catalog.set_config('ruvector_healing.relations_before', coalesce((
    SELECT pg_catalog.string_agg(c.oid::pg_catalog.text, ' ')
      FROM pg_catalog.pg_class c
     WHERE c.relnamespace = pg_catalog.to_regnamespace('ruvector')), ''), false);
END
$before$;
