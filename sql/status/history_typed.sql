CREATE OR REPLACE FUNCTION public.ruvector_healing_history(
  since text,
  limit_ integer DEFAULT 20
)
RETURNS TABLE (
  action_id bigint,
  collection text,
  state text,
  problem_class text,
  strategy text,
  initiated_by text,
  created_at timestamptz,
  finished_at timestamptz,
  duration interval,
  rows_moved bigint,
  initial_lambda double precision,
  predicted_lambda double precision,
  final_lambda double precision,
  improvement real,
  verified boolean,
  message text
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT * FROM public.ruvector_healing_history(
    ruvector.healing_since(ruvector_healing_history.since, 'ruvector_healing_history'),
    ruvector_healing_history.limit_);
$function$;
COMMENT ON FUNCTION public.ruvector_healing_history(text, integer)
  IS 'As it is typed: since is a time or an interval that counts back from now (''7 days'').';
