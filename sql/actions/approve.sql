CREATE OR REPLACE FUNCTION public.ruvector_healing_approve(
  action_id bigint DEFAULT NULL -- required
)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT ruvector.healing_call('approve', jsonb_build_object('action_id', action_id::text));
$function$;
COMMENT ON FUNCTION public.ruvector_healing_approve(bigint)
  IS 'Approves an action that waits: SELECT ruvector_healing_approve(action_id := 123);';
