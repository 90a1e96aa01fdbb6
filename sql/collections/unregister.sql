CREATE OR REPLACE FUNCTION public.ruvector_healing_unregister(
  collection text DEFAULT NULL -- required
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  own constant integer := ruvector.healing_collection(collection);
  answer jsonb;
BEGIN
  answer := ruvector.healing_call('unregister', jsonb_build_object('collection_id', own));
  DELETE FROM ruvector.healing_locks l WHERE l.kind = 'collection' AND l.id = own;
  RETURN answer;
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_unregister(text)
  IS 'Forgets a collection: SELECT ruvector_healing_unregister(''embeddings''); its table is '
  'not touched.';
