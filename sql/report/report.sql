CREATE OR REPLACE FUNCTION public.ruvector_healing_report(since text DEFAULT '7 days',
  format text DEFAULT 'text')
RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT * FROM ruvector.healing_report(
    ruvector.healing_since(ruvector_healing_report.since, 'ruvector_healing_report'),
    ruvector_healing_report.format);
$function$;
COMMENT ON FUNCTION public.ruvector_healing_report(text, text)
  IS 'What was sensed, done and undone, how long it took and what it cost, in words, a line a row '
  '(format: text, or json in one row): SELECT ruvector_healing_report(''7 days'');';
