CREATE OR REPLACE FUNCTION public.ruvector_healing_report(since timestamptz,
  format text DEFAULT 'text')
RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT * FROM ruvector.healing_report(ruvector.healing_since(ruvector_healing_report.since),
    ruvector_healing_report.format);
$function$;
COMMENT ON FUNCTION public.ruvector_healing_report(timestamptz, text)
  IS 'The same since a time: SELECT ruvector_healing_report(date_trunc(''week'', now()));';
