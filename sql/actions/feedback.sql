CREATE OR REPLACE FUNCTION public.ruvector_healing_feedback(
  action_id bigint DEFAULT NULL, -- required
  score double precision DEFAULT NULL, -- required
  note text DEFAULT NULL
)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT ruvector.healing_call('feedback', jsonb_build_object('action_id', action_id::text,
    'score', score::text, 'note', note));
$function$;
COMMENT ON FUNCTION public.ruvector_healing_feedback(bigint, double precision, text)
  IS 'Says what an action that ended was worth, -1 (harm) to 1 (good); counts in its strategy''s '
  'weight, may be called again, NULL takes it back: SELECT ruvector_healing_feedback(123, 1, '
  '''searches are fast again'');';
