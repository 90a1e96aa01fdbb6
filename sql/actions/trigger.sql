CREATE OR REPLACE FUNCTION public.ruvector_healing_trigger(
  collection text DEFAULT NULL -- required
)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT ruvector.healing_call('trigger',
    jsonb_build_object('collection_id', ruvector.healing_collection(collection)));
$function$;
COMMENT ON FUNCTION public.ruvector_healing_trigger(text)
  IS 'Evaluates a collection now and starts an action if the guards allow: SELECT '
  'ruvector_healing_trigger(''embeddings'');';
