CREATE OR REPLACE FUNCTION public.ruvector_contracted_graph(
  collection text DEFAULT NULL -- required
)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT ruvector.healing_call('graph',
    jsonb_build_object('collection_id', ruvector.healing_collection(collection)));
$function$;
COMMENT ON FUNCTION public.ruvector_contracted_graph(text)
  IS 'The operational graph of a collection as {nodes, edges}: SELECT '
  'jsonb_pretty(ruvector_contracted_graph(''embeddings''));';
