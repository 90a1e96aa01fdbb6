-- Values of the metrics, a function for each group: (family, suffix, labels, value), with the
-- labels' values in the order of ruvector.healing_metric_families(). NULL values are left out by
-- the caller. Plain SQL over our own tables, so that it costs little and works on a standby; in
-- PL/pgSQL, which keeps the plans. The intervals are those that the families' HELP states.

CREATE OR REPLACE FUNCTION ruvector.healing_metrics_of_collections()
RETURNS TABLE (family text, suffix text, labels text[], value double precision)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
DECLARE
  base constant jsonb := ruvector.healing_settings(0);
  base_enabled constant boolean := (base ->> 'enabled')::boolean;
  silence constant double precision := (SELECT l.silence_seconds FROM ruvector.healing_loop() l);
BEGIN
  RETURN QUERY
  WITH known AS MATERIALIZED (
    SELECT c.collection_id, format('%I.%I', c.schema_name, c.table_name) AS name,
           e.settings ->> 'mode' AS mode, (e.settings ->> 'enabled')::boolean AS enabled,
           (e.settings ->> 'min_healing_interval_seconds')::double precision AS apart
      FROM ruvector.collections c
      LEFT JOIN ruvector.healing_config o USING (collection_id)
     CROSS JOIN LATERAL (SELECT ruvector.healing_settings_over(base, o.settings) AS settings
       OFFSET 0) e
  ), ended AS (
    SELECT k.collection_id, (SELECT a.finished_at FROM ruvector.healing_actions a
        WHERE a.collection_id = k.collection_id AND a.finished_at IS NOT NULL
          AND a.started_at IS NOT NULL
          -- Further ahead is of a clock that was set back since: the guard does not wait for it.
          AND a.finished_at < clock_timestamp() + make_interval(secs => k.apart)
        ORDER BY a.finished_at DESC LIMIT 1) AS at
      FROM known k
  ), active AS (
    SELECT a.collection_id FROM ruvector.healing_actions a
     WHERE a.state IN ('planned', 'awaiting_approval', 'executing', 'stabilizing', 'rolling_back')
  )
  SELECT m.family, '', ARRAY[k.name], m.value
    FROM known k
    LEFT JOIN ruvector.integrity_state s ON s.collection_id = k.collection_id
    LEFT JOIN ruvector.integrity_samples i ON i.id = s.sample_id
    LEFT JOIN ended e ON e.collection_id = k.collection_id
    LEFT JOIN active a ON a.collection_id = k.collection_id
    CROSS JOIN LATERAL (VALUES
      ('ruvector_integrity_lambda', s.lambda),
      ('ruvector_integrity_state', coalesce(s.state::double precision, 'NaN')),
      ('ruvector_integrity_sample_age_seconds',
        extract(epoch FROM clock_timestamp() - s.sampled_at)::double precision),
      ('ruvector_integrity_sample_duration_seconds', i.duration_ms / 1000),
      ('ruvector_integrity_unmeasured', jsonb_array_length(i.unmeasured)::double precision),
      ('ruvector_integrity_unused_indexes',
        jsonb_array_length(coalesce(i.metrics -> 'unused_indexes', '[]'))::double precision),
      ('ruvector_healing_active', (a.collection_id IS NOT NULL)::integer::double precision),
      ('ruvector_healing_cooldown',
        coalesce(e.at + make_interval(secs => k.apart) > clock_timestamp(),
          false)::integer::double precision),
      ('ruvector_healing_enabled',
        (k.mode <> 'off' AND k.enabled AND base_enabled)::integer::double precision)
    ) m (family, value)
  UNION ALL
  SELECT 'ruvector_healing_verdict_info', '', ARRAY[k.name, v.verdict], 1
    FROM known k
    JOIN ruvector.healing_judged(NULL, base, silence) v USING (collection_id)
  UNION ALL
  SELECT 'ruvector_healing_mode_info', '', ARRAY[k.name, k.mode], 1
    FROM known k;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_metrics_of_collections()
  IS 'Metrics of the present state of each collection.';

CREATE OR REPLACE FUNCTION ruvector.healing_metrics_of_outcomes()
RETURNS TABLE (family text, suffix text, labels text[], value double precision)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
BEGIN
  -- To begin the statement takes longer than all else where there is none.
  IF NOT EXISTS (SELECT FROM ruvector.healing_outcomes) THEN
    RETURN;
  END IF;
  RETURN QUERY
  WITH recent AS (
    -- Only what is needed: what the outcomes hold in jsonb is most of them, and this is read three
    -- times.
    SELECT format('%I.%I', c.schema_name, c.table_name) AS name, o.id, o.strategy_name,
      o.completed_at, o.duration_ms, o.success, o.verified,
           o.improvement_pct, o.recovery_seconds, o.predicted_lambda, o.final_lambda
      FROM ruvector.healing_outcomes o
      JOIN ruvector.collections c USING (collection_id)
     WHERE o.completed_at > now() - ruvector.healing_outcome_window()
  ), by_collection AS (
    SELECT r.name,
           avg((r.success AND coalesce(r.verified, false))::integer)
             FILTER (WHERE r.completed_at > clock_timestamp() - interval '24 hours')
             AS success_rate,
           avg(r.improvement_pct) AS improvement,
           avg(r.recovery_seconds) FILTER (WHERE r.verified) AS recovery,
           avg(abs(r.final_lambda - r.predicted_lambda))
             FILTER (WHERE r.verified IS NOT NULL) AS prediction_error
      FROM recent r
     GROUP BY r.name
  ), by_strategy AS (
    SELECT r.name, r.strategy_name,
           percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN
             GROUP (ORDER BY r.duration_ms / 1000.0) AS durations
      FROM recent r
     WHERE r.duration_ms IS NOT NULL
     GROUP BY r.name, r.strategy_name
  ), judged AS (
    SELECT DISTINCT ON (r.name, r.strategy_name) r.name, r.strategy_name, r.predicted_lambda,
      r.final_lambda
      FROM recent r
     WHERE r.predicted_lambda IS NOT NULL AND r.final_lambda IS NOT NULL AND r.verified IS NOT NULL
     ORDER BY r.name, r.strategy_name, r.id DESC
  )
  SELECT m.family, '', ARRAY[b.name], m.value
    FROM by_collection b
    CROSS JOIN LATERAL (VALUES
      ('ruvector_healing_success_rate', b.success_rate::double precision),
      ('ruvector_healing_avg_improvement', b.improvement),
      ('ruvector_healing_time_to_recovery_seconds', b.recovery),
      ('ruvector_healing_prediction_error', b.prediction_error)
    ) m (family, value)
  UNION ALL
  SELECT 'ruvector_healing_duration_seconds', '', ARRAY[b.name, b.strategy_name, q.quantile],
    q.value
    FROM by_strategy b
    CROSS JOIN LATERAL unnest(ARRAY['0.5', '0.9', '0.99'], b.durations) q (quantile, value)
  UNION ALL
  SELECT m.family, '', ARRAY[j.name, j.strategy_name], m.value
    FROM judged j
    CROSS JOIN LATERAL (VALUES
      ('ruvector_healing_predicted_lambda', j.predicted_lambda::double precision),
      ('ruvector_healing_final_lambda', j.final_lambda::double precision)
    ) m (family, value);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_metrics_of_outcomes()
  IS 'Metrics of what came of the actions of the last 30 days.';

-- What Prometheus has not seen at 0 has not risen for it, so that the first action would not show
-- in any increase(): the counters of every strategy and of every end are there from the start.
CREATE OR REPLACE FUNCTION ruvector.healing_metrics_of_counters()
RETURNS TABLE (family text, suffix text, labels text[], value double precision)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH there AS MATERIALIZED (
    SELECT c.collection_id, format('%I.%I', c.schema_name, c.table_name) AS name
      FROM ruvector.collections c
  ), zeros AS MATERIALIZED (
    SELECT f.metric, s.name AS label, f.metric AS family, '' AS suffix
      FROM ruvector.healing_strategies() s
     CROSS JOIN (VALUES ('ruvector_healing_attempts_total'), ('ruvector_healing_success_total')) f
       (metric)
    UNION ALL
    SELECT 'ruvector_healing_actions_total', e.state, 'ruvector_healing_actions_total', ''
      FROM (VALUES ('succeeded'), ('rolled_back'), ('rollback_failed'), ('failed'), ('aborted'),
        ('expired')) e (state)
    UNION ALL
    SELECT 'ruvector_healing_recovery_seconds' || s.suffix, '',
           'ruvector_healing_recovery_seconds', s.suffix
      FROM (VALUES ('_sum'), ('_count')) s (suffix)
  )
  SELECT z.family, z.suffix, CASE WHEN z.label = '' THEN ARRAY[c.name] ELSE ARRAY[c.name, z.label]
         END, coalesce(k.value, 0)
    FROM there c CROSS JOIN zeros z
    LEFT JOIN ruvector.healing_counters k ON k.collection_id = c.collection_id
     AND k.metric = z.metric AND k.label = z.label
  UNION ALL
  SELECT regexp_replace(k.metric, '(_sum|_count)$', ''),
         coalesce(substring(k.metric FROM '(_sum|_count)$'), ''),
         array_remove(ARRAY[c.name, k.label], ''), k.value
    FROM ruvector.healing_counters k
    JOIN there c USING (collection_id)
   WHERE NOT EXISTS (SELECT FROM zeros z WHERE z.metric = k.metric AND z.label = k.label)
     -- An older version may have counted what is no metric any more.
     AND regexp_replace(k.metric, '(_sum|_count)$', '') IN (SELECT f.name
       FROM ruvector.healing_metric_families() f);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_metrics_of_counters() IS 'Metrics that only rise.';

CREATE OR REPLACE FUNCTION ruvector.healing_metrics_of_actions()
RETURNS TABLE (family text, suffix text, labels text[], value double precision)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT 'ruvector_healing_action_age_seconds', '', ARRAY[a.collection, a.strategy_name, a.state,
    a.id::text],
         extract(epoch FROM clock_timestamp() - a.created_at)::double precision
    FROM ruvector.healing_actions a
   WHERE a.state IN ('planned', 'awaiting_approval', 'executing', 'stabilizing', 'rolling_back')
  UNION ALL
  SELECT 'ruvector_healing_approval_age_seconds', '', ARRAY[a.collection, a.strategy_name,
    a.id::text],
         extract(epoch FROM clock_timestamp() - a.created_at)::double precision
    FROM ruvector.healing_actions a
   WHERE a.state = 'awaiting_approval'
  UNION ALL
  SELECT 'ruvector_healing_rollback_failed', '',
    ARRAY[format('%I.%I', c.schema_name, c.table_name)],
         count(a.id)::double precision
    FROM ruvector.collections c
    LEFT JOIN ruvector.healing_actions a ON a.collection_id = c.collection_id
      AND a.state = 'rollback_failed'
      AND a.finished_at > now() - interval '7 days'
   GROUP BY c.collection_id
  UNION ALL
  SELECT 'ruvector_healing_leases_active', '', ARRAY[format('%I.%I', c.schema_name, c.table_name),
    l.kind], count(*)::double precision
    FROM ruvector.healing_leases l
    JOIN ruvector.collections c USING (collection_id)
   WHERE l.ended_at IS NULL AND l.expires_at > clock_timestamp()
   GROUP BY c.collection_id, l.kind;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_metrics_of_actions()
  IS 'Metrics of actions under way and of what they hold.';

CREATE OR REPLACE FUNCTION ruvector.healing_metrics_of_refusals()
RETURNS TABLE (family text, suffix text, labels text[], value double precision)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT m.family, '', ARRAY[o.name, o.reason], m.value
    FROM (SELECT format('%I.%I', c.schema_name, c.table_name) AS name, r.reason,
      min(r.first_at) AS since, bool_or(r.escalated_at IS NOT NULL) AS escalated
            FROM ruvector.healing_refusals r
            JOIN ruvector.collections c USING (collection_id)
           WHERE r.closed_at IS NULL
           GROUP BY c.collection_id, r.reason) o
    CROSS JOIN LATERAL (VALUES
      ('ruvector_healing_refusal_age_seconds',
        extract(epoch FROM clock_timestamp() - o.since)::double precision),
      ('ruvector_healing_refusal_escalated', o.escalated::integer::double precision)
    ) m (family, value);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_metrics_of_refusals() IS 'Metrics of the refusals in force.';
