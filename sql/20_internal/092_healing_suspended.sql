-- Strategies that are suspended on a collection now, each with the suspension that lasts longest.
CREATE OR REPLACE FUNCTION ruvector.healing_suspended(collection_id integer)
RETURNS TABLE (strategy_name text, kind text, reason text, action_id bigint, until timestamptz)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT DISTINCT ON (u.strategy_name) u.strategy_name, u.kind, u.reason, u.action_id, u.until
    FROM (SELECT s.*, s.suspended_at + make_interval(secs => (ruvector.healing_settings(s.collection_id) ->> (s.kind || '_suspend_seconds'))::float8) AS until
            FROM ruvector.healing_suspensions s WHERE s.collection_id = healing_suspended.collection_id) u
   WHERE u.until > clock_timestamp()
   ORDER BY u.strategy_name, u.until DESC;
$function$;
COMMENT ON FUNCTION ruvector.healing_suspended(integer) IS 'Strategies that the loop leaves alone on a collection now.';
