CREATE OR REPLACE FUNCTION public.ruvector_healing_rollback(
  collection text DEFAULT NULL -- required
)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT ruvector.healing_call('rollback',
    jsonb_build_object('collection_id', ruvector.healing_collection(collection)));
$function$;
COMMENT ON FUNCTION public.ruvector_healing_rollback(text)
  IS 'Undoes the newest action of a collection that can be undone: SELECT '
  'ruvector_healing_rollback(''embeddings'');';

-- A function of its own and not a parameter with a default: the one above keeps its grants, and
-- neither call is ambiguous.
CREATE OR REPLACE FUNCTION public.ruvector_healing_rollback(collection text, action_id bigint)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT ruvector.healing_call('rollback',
    jsonb_build_object('collection_id', ruvector.healing_collection(collection),
    'action_id', action_id::text));
$function$;
COMMENT ON FUNCTION public.ruvector_healing_rollback(text, bigint)
  IS 'Undoes one action of a collection, as ruvector_healing_explain() says it: SELECT '
  'ruvector_healing_rollback(''embeddings'', 123);';
