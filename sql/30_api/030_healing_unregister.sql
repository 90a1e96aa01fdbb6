CREATE OR REPLACE FUNCTION public.ruvector_healing_unregister(collection text)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT ruvector.healing_call('unregister', jsonb_build_object('collection_id', ruvector.healing_collection(collection)));
$function$;
COMMENT ON FUNCTION public.ruvector_healing_unregister(text) IS 'Forgets a collection: SELECT ruvector_healing_unregister(''embeddings''); its table is not touched.';
