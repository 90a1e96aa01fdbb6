CREATE OR REPLACE FUNCTION public.ruvector_healing_execute(
  collection text DEFAULT NULL, -- required
  strategy text DEFAULT NULL, -- required
  params jsonb DEFAULT '{}'
)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT ruvector.healing_call('execute',
    jsonb_build_object('collection_id', ruvector.healing_collection(collection),
    'strategy', strategy, 'params', params));
$function$;
COMMENT ON FUNCTION public.ruvector_healing_execute(text, text, jsonb)
  IS 'Runs one strategy (dry_run, target_lambda; max_moves where rows move): SELECT '
  'ruvector_healing_execute(''embeddings'', ''rebalance_partitions'', ''{"dry_run": true}'');';
