-- Every function of public once more in schema ruvector, where nobody else creates. In public
-- whoever may create there can add an overload that a call finds instead (text, where ours takes
-- jsonb and a constant in quotes is given), or that makes it ambiguous (one more argument, with a
-- default). So programs (the page, the commands, the actuator, exporters) call
-- ruvector.ruvector_healing_metrics(). A twin has no rights of its own (SECURITY INVOKER, the level
-- of its name), and its body is bound to the function, not to its name (BEGIN ATOMIC). Whoever
-- drops a function of public adds CASCADE: its twin goes with it.
DO $twins$
DECLARE
  one record;
BEGIN
  FOR one IN
    SELECT p.proname, p.oid::pg_catalog.regprocedure AS original,
      pg_catalog.pg_get_function_arguments(p.oid) AS arguments,
           pg_catalog.pg_get_function_result(p.oid) AS result, CASE p.provolatile WHEN 'i'
             THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END AS volatility,
           CASE WHEN p.proretset THEN 'SELECT * FROM' ELSE 'SELECT' END AS selects,
           (SELECT pg_catalog.string_agg(CASE WHEN p.provariadic <> 0 AND place = p.pronargs
             THEN 'VARIADIC ' ELSE '' END || '$' || place, ', ' ORDER BY place)
              FROM pg_catalog.generate_series(1, p.pronargs) place) AS given,
           t.oid::pg_catalog.regprocedure AS twin,
           pg_catalog.pg_get_function_arguments(t.oid)
             IS DISTINCT FROM pg_catalog.pg_get_function_arguments(p.oid)
             OR pg_catalog.pg_get_function_result(t.oid)
               IS DISTINCT FROM pg_catalog.pg_get_function_result(p.oid) AS changed
      FROM pg_catalog.pg_proc p
      JOIN ruvector.healing_levels() l ON l.routine = p.proname AND l.level <> 'everybody'
      LEFT JOIN pg_catalog.pg_proc t ON t.pronamespace = 'ruvector'::pg_catalog.regnamespace
        AND t.proname = p.proname AND t.proargtypes = p.proargtypes
     WHERE p.pronamespace = 'public'::pg_catalog.regnamespace AND p.prokind = 'f'
       AND p.proowner = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)
  LOOP
    IF one.twin IS NOT NULL AND one.changed THEN
      EXECUTE pg_catalog.format('DROP FUNCTION %s', one.twin);
    END IF;
    EXECUTE pg_catalog.format('CREATE OR REPLACE FUNCTION ruvector.%1$I(%2$s) RETURNS %3$s '
      'LANGUAGE sql %4$s BEGIN ATOMIC %5$s public.%1$I(%6$s); END',
                              one.proname, one.arguments, one.result, one.volatility, one.selects,
                                one.given);
    EXECUTE pg_catalog.format('COMMENT ON FUNCTION ruvector.%I(%s) IS %L', one.proname,
      (SELECT pg_catalog.pg_get_function_identity_arguments(one.original::pg_catalog.oid)),
                              'The same as ' || one.original ||
                                ', by a name that nobody else can take.');
  END LOOP;
END
$twins$;
