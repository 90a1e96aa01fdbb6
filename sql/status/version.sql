CREATE OR REPLACE FUNCTION public.ruvector_healing_version()
RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT ruvector.healing_version();
$function$;
COMMENT ON FUNCTION public.ruvector_healing_version()
  IS 'The version that is installed: SELECT ruvector_healing_version();';
