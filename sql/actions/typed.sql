-- An action as people type it: its number, also in quotes. Who names a collection means the action
-- that is at work or waits there, which the HINT has.
CREATE OR REPLACE FUNCTION ruvector.healing_action_typed(action_id text, called text)
RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  meant record;
BEGIN
  IF action_id IS NULL OR action_id ~ '^ *[0-9]{1,18} *$' THEN
    RETURN action_id::bigint;
  END IF;
  SELECT format('%I.%I', c.schema_name, c.table_name) AS name, a.id, a.state INTO meant
    FROM ruvector.collections c
    LEFT JOIN LATERAL (SELECT l.id, l.state FROM ruvector.healing_actions l
      WHERE l.collection_id = c.collection_id AND CASE
        WHEN called IN ('ruvector_healing_approve', 'ruvector_healing_reject')
          THEN l.state = 'awaiting_approval'
        WHEN called = 'ruvector_healing_abort' THEN l.finished_at IS NULL
        ELSE l.finished_at IS NOT NULL END
      ORDER BY l.id DESC LIMIT 1) a ON true
   WHERE c.collection_id = ANY (ruvector.healing_collections_named(action_id))
   ORDER BY a.id DESC NULLS LAST LIMIT 1;
  RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = 'action_id must be a number',
    DETAIL = format('Got %L%s.', left(action_id, 200), CASE
      WHEN meant.id IS NOT NULL THEN format(', which is a collection; its action %s is %s',
        meant.id, replace(meant.state, '_', ' '))
      WHEN meant.name IS NOT NULL THEN ', which is a collection without such an action'
      ELSE '' END),
    HINT = CASE WHEN meant.id IS NOT NULL
      THEN format('SELECT %s(%s%s);', called, meant.id,
        CASE called WHEN 'ruvector_healing_feedback' THEN ', 1' ELSE '' END)
      WHEN meant.name IS NOT NULL
        THEN format('SELECT action_id, state FROM ruvector_healing_history() WHERE collection = '
          '%L;', meant.name)
      ELSE 'SELECT action_id, state FROM ruvector_healing_history(); lists them.' END;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_action_typed(text, text)
  IS 'The number of an action, or RV001 with what was meant.';

CREATE OR REPLACE FUNCTION public.ruvector_healing_approve(action_id text)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT public.ruvector_healing_approve(
    ruvector.healing_action_typed(action_id, 'ruvector_healing_approve'));
$function$;
COMMENT ON FUNCTION public.ruvector_healing_approve(text)
  IS 'As it is typed: a number in quotes; RV001 with the action that is meant otherwise.';

CREATE OR REPLACE FUNCTION public.ruvector_healing_abort(action_id text)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT public.ruvector_healing_abort(
    ruvector.healing_action_typed(action_id, 'ruvector_healing_abort'));
$function$;
COMMENT ON FUNCTION public.ruvector_healing_abort(text)
  IS 'As it is typed: a number in quotes; RV001 with the action that is meant otherwise.';

CREATE OR REPLACE FUNCTION public.ruvector_healing_reject(action_id text, reason text DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT public.ruvector_healing_reject(
    ruvector.healing_action_typed(action_id, 'ruvector_healing_reject'), reason);
$function$;
COMMENT ON FUNCTION public.ruvector_healing_reject(text, text)
  IS 'As it is typed: a number in quotes; RV001 with the action that is meant otherwise.';

CREATE OR REPLACE FUNCTION public.ruvector_healing_feedback(action_id text,
  score double precision, note text DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT public.ruvector_healing_feedback(
    ruvector.healing_action_typed(action_id, 'ruvector_healing_feedback'), score, note);
$function$;
COMMENT ON FUNCTION public.ruvector_healing_feedback(text, double precision, text)
  IS 'As it is typed: a number in quotes; RV001 with the action that is meant otherwise.';

-- Of an action alone its collection is known.
CREATE OR REPLACE FUNCTION public.ruvector_healing_rollback(action_id bigint)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  own constant text := (SELECT a.collection FROM ruvector.healing_actions a
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
