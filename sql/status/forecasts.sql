-- What ruvector_healing_status() and ruvector_healing_forecasts() show of the modes observe and
-- recommend.
CREATE OR REPLACE FUNCTION ruvector.healing_statement(collection text, strategy text, params jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE WHEN params = '{}'
    THEN format('SELECT ruvector_healing_execute(%L, %L);', collection, strategy)
              ELSE format('SELECT ruvector_healing_execute(%L, %L, %L);', collection, strategy,
                params) END;
$function$;
COMMENT ON FUNCTION ruvector.healing_statement(text, text, jsonb)
  IS 'The statement that carries a recommendation out.';

CREATE OR REPLACE FUNCTION ruvector.healing_recommendations(wanted integer[])
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce(jsonb_agg(jsonb_build_object(
           'forecast_id', f.id, 'collection', f.collection, 'strategy', f.strategy_name,
             'problem', f.problem_class,
           'summary', CASE WHEN ruvector.healing_tenant_scope() IS NULL THEN f.problem -> 'summary'
             ELSE to_jsonb(f.problem_class) END,
           'predicted_lambda', f.plan -> 'predicted_lambda', 'rows', f.plan -> 'rows',
             'estimated_duration_seconds', f.plan -> 'estimated_duration_seconds',
           'since', ruvector.healing_timestamp(f.made_at),
             'last_seen', ruvector.healing_timestamp(f.last_at),
           'statement', ruvector.healing_statement(f.collection, f.strategy_name,
             -- Jobs to be paused, say.
             CASE WHEN ruvector.healing_tenant_scope() IS NULL THEN f.strategy_params
               ELSE '{}' END)) ORDER BY f.id), '[]')
    FROM ruvector.healing_forecasts f
   WHERE f.collection_id = ANY (wanted) AND f.mode = 'recommend' AND f.closed_at IS NULL;
$function$;
COMMENT ON FUNCTION ruvector.healing_recommendations(integer[])
  IS 'Open recommendations of some collections.';

CREATE OR REPLACE FUNCTION ruvector.healing_forecast_scores(wanted integer[])
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce(jsonb_agg(to_jsonb(s) ORDER BY s.strategy), '[]')
    FROM (SELECT f.strategy_name AS strategy, count(*) AS made, count(f.actual_lambda) AS scored,
                 count(*) FILTER (WHERE f.recovered) AS recovered_by_itself,
                 round(avg(f.predicted_lambda - f.initial_lambda)
                   FILTER (WHERE f.actual_lambda IS NOT NULL)::numeric, 3) AS mean_gain_foreseen,
                 round(avg(f.actual_lambda - f.initial_lambda)::numeric, 3) AS mean_gain_without
            FROM ruvector.healing_forecasts f
           WHERE f.collection_id = ANY (wanted)
             AND f.made_at > now() - ruvector.healing_outcome_window()
           GROUP BY f.strategy_name) s;
$function$;
COMMENT ON FUNCTION ruvector.healing_forecast_scores(integer[])
  IS 'How forecasts of 30 days came out, by strategy.';
