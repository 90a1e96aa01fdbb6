CREATE OR REPLACE FUNCTION public.ruvector_healing_forecasts(
  since timestamptz DEFAULT now() - interval '24 hours',
  limit_ integer DEFAULT 20
)
RETURNS TABLE (
  forecast_id bigint,
  collection text,
  mode text,
  problem_class text,
  strategy text,
  made_at timestamptz,
  due_at timestamptz,
  evaluations bigint,
  initial_lambda double precision,
  predicted_lambda double precision,
  actual_lambda double precision,
  recovered boolean,
  gain_foreseen double precision,
  gain_without double precision,
  scored_at timestamptz,
  disturbed_by bigint,
  closed_at timestamptz,
  closed_because text,
  statement text
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  -- Arguments are checked first and by themselves: in a condition PostgreSQL 15 to 17 ask for each
  -- row, and not at all where there is none.
  SELECT ruvector.healing_since(ruvector_healing_forecasts.since),
    ruvector.healing_limit(ruvector_healing_forecasts.limit_);
  SELECT f.id, f.collection, f.mode, f.problem_class, f.strategy_name, f.made_at, f.due_at, f.count,
         f.initial_lambda, f.predicted_lambda, f.actual_lambda, f.recovered,
         f.predicted_lambda - f.initial_lambda, f.actual_lambda - f.initial_lambda,
         f.scored_at, f.disturbed_by, f.closed_at, f.closed_because,
         ruvector.healing_statement(f.collection, f.strategy_name, f.strategy_params)
    FROM ruvector.healing_forecasts f
   WHERE greatest(f.last_at, f.scored_at) >= ruvector.healing_since(since)
   ORDER BY f.id DESC
   LIMIT ruvector.healing_limit(limit_);
$function$;
COMMENT ON FUNCTION public.ruvector_healing_forecasts(timestamptz, integer)
  IS 'What the loop would have done in the modes observe and recommend, and what lambda became '
  'without it: SELECT * FROM ruvector_healing_forecasts(since := now() - interval ''7 days'');';
