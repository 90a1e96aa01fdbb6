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
     UNION
    -- By hand: who was given a function has its new overload too, which a call of theirs may find.
    SELECT h.rolname, n.oid::regprocedure
      FROM pg_proc o CROSS JOIN LATERAL aclexplode(o.proacl) a JOIN pg_roles h ON h.oid = a.grantee
      JOIN pg_proc n ON n.proname = o.proname AND n.pronamespace = o.pronamespace
        AND n.proowner = o.proowner AND n.prokind = 'f'
     WHERE o.oid::text = ANY
       (string_to_array(current_setting('ruvector_healing.routines_before', true), ' '))
       AND n.oid::text <> ALL
       (string_to_array(current_setting('ruvector_healing.routines_before', true), ' '))
       AND a.privilege_type = 'EXECUTE' AND h.oid <> o.proowner
  LOOP
    EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', one.routine, one.role_name);
  END LOOP;
  PERFORM set_config('ruvector_healing.routines_before', '', false);
END
$levels$;
