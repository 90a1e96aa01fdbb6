-- '12' is an action here as well: drivers send a parameter without a type, and that ends up at this
-- function.
CREATE OR REPLACE FUNCTION public.ruvector_healing_explain(
  collection text DEFAULT NULL -- required
)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
BEGIN
  IF collection ~ '^[0-9]{1,18}$' AND NOT EXISTS (SELECT FROM ruvector.collections c
    WHERE c.table_name = ruvector_healing_explain.collection) THEN
    RETURN ruvector.healing_call('explain', jsonb_build_object('action_id', collection)) ->> 'text';
  END IF;
  RETURN ruvector.healing_call('explain_collection',
    jsonb_build_object('collection_id', ruvector.healing_collection(collection))) ->> 'text';
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_explain(text)
  IS 'Why something happens, or nothing does, on a collection, in words: SELECT '
  'ruvector_healing_explain(''embeddings'');';
