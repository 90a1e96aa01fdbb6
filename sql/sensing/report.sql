CREATE OR REPLACE FUNCTION public.ruvector_integrity_report(
  collection text DEFAULT NULL, -- required
  report jsonb DEFAULT NULL -- required
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  scope constant text[] := ruvector.healing_tenant_scope();
  -- A monitor with the right to report has no level that reads: once somebody is limited to a
  -- tenant it sees nothing, and reports all the same. One that is limited reports on its tenant's.
  id integer := ruvector.healing_collection_in(CASE WHEN scope <> '{}'
    OR NOT has_function_privilege(ruvector.healing_caller(),
      'public.ruvector_integrity_report(text, jsonb)', 'EXECUTE') THEN scope END, collection);
  answer jsonb := ruvector.healing_call('report',
    jsonb_build_object('collection_id', id, 'report', report));
BEGIN
  -- Kept from here: written by JavaScript, 10 MB took half of the time, and 1 GB of memory.
  IF jsonb_exists(answer, 'accepted') THEN
    UPDATE ruvector.integrity_reports r SET report = ruvector_integrity_report.report
     WHERE r.collection_id = id;
  END IF;
  RETURN answer;
END
$function$;
COMMENT ON FUNCTION public.ruvector_integrity_report(text, jsonb)
  IS 'Pushes the reading of an outside monitor, which stands for report_ttl_seconds (metrics, a '
  'graph, or lambda itself): SELECT ruvector_integrity_report(''embeddings'', '
  '''{"metrics": {"memory_usage_pct": 72}}'');';
