CREATE OR REPLACE FUNCTION public.ruvector_integrity_sample(
  collection text DEFAULT NULL -- required
)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT ruvector.healing_call('sample',
    jsonb_build_object('collection_id', ruvector.healing_collection(collection)));
$function$;
COMMENT ON FUNCTION public.ruvector_integrity_sample(text)
  IS 'Measures a collection now: SELECT ruvector_integrity_sample(''embeddings'');';
