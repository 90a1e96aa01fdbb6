CREATE OR REPLACE FUNCTION public.ruvector_healing_abort(
  action_id bigint DEFAULT NULL -- required
)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT ruvector.healing_call('abort', jsonb_build_object('action_id', action_id::text));
$function$;
COMMENT ON FUNCTION public.ruvector_healing_abort(bigint)
  IS 'Stops an active action and undoes it: SELECT ruvector_healing_abort(action_id := 123);';
