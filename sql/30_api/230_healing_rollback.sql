CREATE OR REPLACE FUNCTION public.ruvector_healing_rollback(collection text)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT ruvector.healing_call('rollback', jsonb_build_object('collection_id', ruvector.healing_collection(collection)));
$function$;
COMMENT ON FUNCTION public.ruvector_healing_rollback(text) IS 'Undoes the last action of a collection: SELECT ruvector_healing_rollback(''embeddings'');';
