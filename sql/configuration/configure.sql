CREATE OR REPLACE FUNCTION public.ruvector_healing_configure(
  settings jsonb DEFAULT NULL, -- required
  collection text DEFAULT NULL
)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT ruvector.healing_call('configure', jsonb_build_object('settings', settings,
    'collection_id', CASE WHEN collection IS NULL THEN 0
    ELSE ruvector.healing_collection(collection) END));
$function$;
COMMENT ON FUNCTION public.ruvector_healing_configure(jsonb, text)
  IS 'Changes settings, for all or for one collection: SELECT '
  'ruvector_healing_configure(''{"enabled": true}'');';
