CREATE OR REPLACE FUNCTION public.ruvector_healing_reject(
  action_id bigint DEFAULT NULL, -- required
  reason text DEFAULT NULL
)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT ruvector.healing_call('reject', jsonb_build_object('action_id', action_id::text,
    'reason', reason));
$function$;
COMMENT ON FUNCTION public.ruvector_healing_reject(bigint, text)
  IS 'Ends an action that waits for approval, and keeps the loop from asking for the same again '
  'for rejection_seconds: SELECT ruvector_healing_reject(123, ''not during the sale'');';
