-- New functions go to the roles that hold their level (sql/rights/levels.sql);
-- what was there before keeps its grants.
DO $levels$
DECLARE
  one record;
BEGIN
  FOR one IN
    SELECT h.role_name, r.routine
      FROM ruvector.healing_level_holders() h
     CROSS JOIN LATERAL ruvector.healing_level_routines(h.level) r(routine)
     WHERE r.routine::oid::text <> ALL
       (string_to_array(current_setting('ruvector_healing.routines_before', true), ' '))
  LOOP
    EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', one.routine, one.role_name);
  END LOOP;
  PERFORM set_config('ruvector_healing.routines_before', '', false);
END
$levels$;
