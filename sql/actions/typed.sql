-- Of an action alone its collection is known.
CREATE OR REPLACE FUNCTION public.ruvector_healing_rollback(action_id bigint)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  -- As its table is called now: it may have been renamed since.
  own constant text := (SELECT coalesce(format('%I.%I', c.schema_name, c.table_name), a.collection)
    FROM ruvector.healing_actions a LEFT JOIN ruvector.collections c USING (collection_id)
    WHERE a.id = ruvector_healing_rollback.action_id);
BEGIN
  RAISE EXCEPTION USING ERRCODE = CASE WHEN own IS NULL THEN 'RV006' ELSE 'RV001' END,
    MESSAGE = CASE WHEN own IS NULL THEN 'there is no such action'
      ELSE 'rollback takes the collection first' END,
    DETAIL = format('Got %s.', coalesce(action_id::text, 'NULL')),
    HINT = CASE WHEN own IS NULL
      THEN 'SELECT action_id, collection, state FROM ruvector_healing_history(); lists them.'
      ELSE format('SELECT ruvector_healing_rollback(%L, %s);', own, action_id) END;
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_rollback(bigint)
  IS 'As it is typed: RV001 with the collection that belongs to the action.';

CREATE OR REPLACE FUNCTION public.ruvector_healing_execute(collection text, strategy text,
  params text)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
BEGIN
  RETURN ruvector.ruvector_healing_execute(collection, strategy, ruvector.healing_document(
    'params', params, '{"dry_run": true, "target_lambda": 0.9, "max_moves": 1000}',
    '{"dry_run": true}', ARRAY['ruvector_healing_execute', collection, strategy]));
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_execute(text, text, text)
  IS 'As it is typed: the same of a text that holds JSON; RV001 with what to type otherwise.';
