CREATE OR REPLACE FUNCTION public.ruvector_healing_effectiveness()
RETURNS TABLE (
  name text,
  weight double precision,
  outcomes bigint,
  success_rate numeric,
  avg_improvement numeric,
  avg_time_to_recovery_seconds numeric,
  last_outcome timestamptz,
  recent_outcomes jsonb,
  overall_success_rate numeric,
  overall_time_to_recovery_seconds numeric
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  WITH recent AS (
    -- Only what is needed: what the outcomes hold in jsonb is most of them, and they are sorted.
    SELECT o.id, o.action_id, o.collection, o.strategy_name, o.problem_class, o.success,
      o.verified, o.improvement_pct, o.recovery_seconds, o.completed_at, o.feedback_score,
      o.feedback_by, o.feedback_note,
      row_number() OVER (PARTITION BY o.strategy_name ORDER BY o.id DESC) AS place
      FROM ruvector.healing_outcomes o
     WHERE o.completed_at > now() - ruvector.healing_outcome_window()
       AND ruvector.healing_sees((SELECT ruvector.healing_tenant_scope()), o.collection_id,
         o.tenant_id)
  ), overall AS (
    SELECT round(avg((success AND coalesce(verified, false))::int), 3) AS success_rate,
           round(avg(recovery_seconds) FILTER (WHERE verified)::numeric, 1) AS recovery
      FROM recent
  )
  SELECT s.name, CASE WHEN ruvector.healing_tenant_scope() IS NULL
    THEN coalesce(max(w.weight), 1.0) END, count(r.id),
         round(avg((r.success AND coalesce(r.verified, false))::int), 3),
         round(avg(r.improvement_pct)::numeric, 4),
         round(avg(r.recovery_seconds) FILTER (WHERE r.verified)::numeric, 1),
         max(r.completed_at),
         coalesce(jsonb_agg(jsonb_build_object(
           'action_id', r.action_id, 'collection', r.collection, 'problem_class', r.problem_class,
           'success', r.success, 'verified', r.verified, 'improvement', r.improvement_pct,
           'feedback', r.feedback_score, 'feedback_by', r.feedback_by,
             'feedback_note', r.feedback_note,
           'completed_at', ruvector.healing_timestamp(r.completed_at)) ORDER BY r.id DESC)
             FILTER (WHERE r.place <= 10), '[]'),
         max(o.success_rate), max(o.recovery)
    FROM ruvector.healing_strategies() s
    LEFT JOIN recent r ON r.strategy_name = s.name
    LEFT JOIN ruvector.healing_weights w ON w.strategy_name = s.name AND w.problem_class = '*'
    CROSS JOIN overall o
   GROUP BY s.name
   ORDER BY 2 DESC, 1;
$function$;
COMMENT ON FUNCTION public.ruvector_healing_effectiveness()
  IS 'How well each strategy has worked over 30 days, and its weight: SELECT * FROM '
  'ruvector_healing_effectiveness();';
