CREATE OR REPLACE FUNCTION public.ruvector_healing_forecasts(
  since text,
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
  SELECT * FROM public.ruvector_healing_forecasts(
    ruvector.healing_since(ruvector_healing_forecasts.since, 'ruvector_healing_forecasts'),
    ruvector_healing_forecasts.limit_);
$function$;
COMMENT ON FUNCTION public.ruvector_healing_forecasts(text, integer)
  IS 'As it is typed: since is a time or an interval that counts back from now (''7 days'').';
