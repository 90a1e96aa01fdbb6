CREATE OR REPLACE FUNCTION public.ruvector_healing_decisions(
  since text,
  limit_ integer DEFAULT 20
)
RETURNS TABLE (
  at timestamptz,
  collection text,
  decision text,
  reason text,
  problem_class text,
  strategy text,
  action_id bigint,
  message text,
  measured jsonb,
  flips_at text,
  count bigint,
  first_at timestamptz,
  last_at timestamptz,
  open boolean,
  escalated_at timestamptz
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT * FROM public.ruvector_healing_decisions(
    ruvector.healing_since(ruvector_healing_decisions.since, 'ruvector_healing_decisions'),
    ruvector_healing_decisions.limit_);
$function$;
COMMENT ON FUNCTION public.ruvector_healing_decisions(text, integer)
  IS 'As it is typed: since is a time or an interval that counts back from now (''7 days'').';
