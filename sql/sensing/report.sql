CREATE OR REPLACE FUNCTION public.ruvector_integrity_report(collection text, report jsonb)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT ruvector.healing_call('report',
    jsonb_build_object('collection_id', ruvector.healing_collection(collection),
    'report', report));
$function$;
COMMENT ON FUNCTION public.ruvector_integrity_report(text, jsonb)
  IS 'Pushes the reading of an outside monitor, which stands for report_ttl_seconds (metrics, a '
  'graph, or lambda itself): SELECT ruvector_integrity_report(''embeddings'', '
  '''{"metrics": {"memory_usage_pct": 72}}'');';
