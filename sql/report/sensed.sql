-- How each collection was: the times below its thresholds, from the events of its state (a week of
-- samples is 120,000 rows a collection at a tick every 5 s; of these events there are a few).
CREATE OR REPLACE FUNCTION ruvector.healing_report_sensed(since timestamptz)
RETURNS TABLE (collection text, document jsonb)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH wanted AS MATERIALIZED (
    SELECT c.collection_id, format('%I.%I', c.schema_name, c.table_name) AS name, c.registered_at
      FROM ruvector.collections c
     WHERE ruvector.healing_sees((SELECT ruvector.healing_tenant_scope()), c.collection_id)
  ), changes AS (
    SELECT e.collection_id, e.id, e.at, substr(e.kind, 7) AS state, e.details ->> 'from' AS before,
           (e.details ->> 'lambda')::float8 AS lambda
      FROM ruvector.healing_events e
      JOIN wanted w USING (collection_id)
     WHERE e.at >= healing_report_sensed.since
       AND e.kind IN ('state_normal', 'state_stress', 'state_critical')
  ), spans AS (
    -- What it was when the time began: what its first change left, or what it still is.
    SELECT w.collection_id, 0::bigint AS id, NULL::float8 AS lambda, NULL::text AS before,
           -- Registered anew since, it is older than that.
           greatest(healing_report_sensed.since, least(w.registered_at, (SELECT min(c.at)
             FROM changes c WHERE c.collection_id = w.collection_id))) AS at,
           coalesce((SELECT c.before FROM changes c WHERE c.collection_id = w.collection_id
             ORDER BY c.id LIMIT 1), (ARRAY['normal', 'stress', 'critical'])[s.state + 1]) AS state
      FROM wanted w
      LEFT JOIN ruvector.integrity_state s USING (collection_id)
     UNION ALL
    SELECT c.collection_id, c.id, c.lambda, c.before, c.at, c.state FROM changes c
  ), timed AS (
    SELECT s.*, extract(epoch FROM coalesce(lead(s.at)
             OVER (PARTITION BY s.collection_id ORDER BY s.id), now()) - s.at)::float8 AS seconds
      FROM spans s
  ), counted AS (
    SELECT t.collection_id,
           count(*) FILTER (WHERE t.id > 0 AND t.before = 'normal') AS falls,
           count(*) FILTER (WHERE t.id > 0 AND t.state = 'critical') AS became_critical,
           coalesce(sum(t.seconds) FILTER (WHERE t.state = 'stress'), 0) AS stress_seconds,
           coalesce(sum(t.seconds) FILTER (WHERE t.state = 'critical'), 0) AS critical_seconds,
           min(t.lambda) AS lambda
      FROM timed t GROUP BY t.collection_id
  )
  SELECT w.name, jsonb_build_object('collection', w.name, 'falls', k.falls,
      'became_critical', k.became_critical, 'stress_seconds', k.stress_seconds,
      'critical_seconds', k.critical_seconds,
      -- The lowest at which its state changed, an action began, or it is now.
      'lowest_lambda', least(k.lambda, s.lambda, (SELECT min(a.initial_lambda)
        FROM ruvector.healing_actions a WHERE a.collection_id = w.collection_id
         AND a.created_at >= healing_report_sensed.since)),
      'lambda', s.lambda, 'verdict', v.verdict, 'sentence', v.sentence,
      'problem_classes', (SELECT coalesce(jsonb_agg(DISTINCT n.problem_class), '[]') FROM (
        SELECT a.problem_class FROM ruvector.healing_actions a
         WHERE a.collection_id = w.collection_id AND a.created_at >= healing_report_sensed.since
         UNION SELECT f.problem_class FROM ruvector.healing_forecasts f
         WHERE f.collection_id = w.collection_id AND f.last_at >= healing_report_sensed.since
         UNION SELECT r.problem_class FROM ruvector.healing_refusals r
         WHERE r.collection_id = w.collection_id AND r.last_at >= healing_report_sensed.since) n
         WHERE n.problem_class NOT IN ('unknown', '')))
    FROM wanted w
    JOIN counted k USING (collection_id)
    JOIN ruvector.healing_verdicts(ARRAY(SELECT collection_id FROM wanted)) v USING (collection_id)
    LEFT JOIN ruvector.integrity_state s USING (collection_id);
$function$;
COMMENT ON FUNCTION ruvector.healing_report_sensed(timestamptz)
  IS 'How each collection was since a time.';
