CREATE OR REPLACE FUNCTION public.ruvector_healing_explain(action_id bigint)
RETURNS text
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT ruvector.healing_call('explain', jsonb_build_object('action_id', action_id::text)) ->>
    'text';
$function$;
COMMENT ON FUNCTION public.ruvector_healing_explain(bigint)
  IS 'Why an action was taken and what it did, in words: SELECT ruvector_healing_explain(1);';
