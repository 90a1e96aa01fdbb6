CREATE OR REPLACE FUNCTION public.ruvector_integrity_history(
  collection text,
  since text,
  limit_ integer DEFAULT 100
)
RETURNS TABLE (
  collection_name text,
  sampled_at timestamptz,
  lambda double precision,
  state text,
  source text,
  witness_edges jsonb,
  metrics jsonb
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT * FROM public.ruvector_integrity_history(ruvector_integrity_history.collection,
    ruvector.healing_since(ruvector_integrity_history.since, 'ruvector_integrity_history'),
    ruvector_integrity_history.limit_);
$function$;
COMMENT ON FUNCTION public.ruvector_integrity_history(text, text, integer)
  IS 'As it is typed: since is a time or an interval that counts back from now (''7 days'').';
