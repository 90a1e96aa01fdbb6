CREATE OR REPLACE FUNCTION public.ruvector_healing_report(since interval,
  format text DEFAULT 'text')
RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT * FROM ruvector.healing_report(
    ruvector.healing_since(ruvector_healing_report.since::text, 'ruvector_healing_report'),
    ruvector_healing_report.format);
$function$;
COMMENT ON FUNCTION public.ruvector_healing_report(interval, text)
  IS 'The same of an interval that ends now: SELECT ruvector_healing_report(interval ''1 day'');';
