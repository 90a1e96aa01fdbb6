-- Plain SQL: a scrape every few seconds must not start the JavaScript engine.

-- With names of families only what they are made from is read: an exporter asks for one after the
-- other.
CREATE OR REPLACE FUNCTION ruvector.healing_metric_samples(families text[])
RETURNS TABLE (family text, suffix text, labels text[], value double precision)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  WITH wanted AS MATERIALIZED (
    SELECT f.name, f.sources
      FROM ruvector.healing_metric_families() f
     WHERE coalesce(cardinality(healing_metric_samples.families), 0) = 0
       OR f.name = ANY (healing_metric_samples.families)
  )
  SELECT s.family, s.suffix, s.labels, s.value
    FROM (SELECT * FROM ruvector.healing_metrics_of_collections()
      WHERE EXISTS (SELECT FROM wanted WHERE 'collections' = ANY (sources))
          UNION ALL
          SELECT * FROM ruvector.healing_metrics_of_outcomes()
            WHERE EXISTS (SELECT FROM wanted WHERE 'outcomes' = ANY (sources))
          UNION ALL
          SELECT * FROM ruvector.healing_metrics_of_counters()
            WHERE EXISTS (SELECT FROM wanted WHERE 'counters' = ANY (sources))
          UNION ALL
          SELECT * FROM ruvector.healing_metrics_of_actions()
            WHERE EXISTS (SELECT FROM wanted WHERE 'actions' = ANY (sources))
          UNION ALL
          SELECT * FROM ruvector.healing_metrics_of_refusals()
            WHERE EXISTS (SELECT FROM wanted WHERE 'refusals' = ANY (sources))
          UNION ALL
          SELECT * FROM ruvector.healing_metrics_of_installation()
            WHERE EXISTS (SELECT FROM wanted WHERE 'installation' = ANY (sources))
          UNION ALL
          SELECT * FROM ruvector.healing_metrics_of_audit()
            WHERE EXISTS (SELECT FROM wanted WHERE 'audit' = ANY (sources))) s
   WHERE s.value IS NOT NULL AND s.family IN (SELECT name FROM wanted);
$function$;
COMMENT ON FUNCTION ruvector.healing_metric_samples(text[])
  IS 'Values of the metrics, of some families or of all where none is named.';

CREATE OR REPLACE FUNCTION public.ruvector_healing_metric_samples(VARIADIC families text[] DEFAULT
  '{}')
RETURNS TABLE (family text, suffix text, labels text[], value double precision)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT s.family, s.suffix, s.labels, s.value
    FROM ruvector.healing_metric_samples(ruvector_healing_metric_samples.families) s;
$function$;
COMMENT ON FUNCTION public.ruvector_healing_metric_samples(text[])
  IS 'Values of the metrics, of some families or of all: SELECT * FROM '
  'ruvector_healing_metric_samples(''ruvector_integrity_lambda'');';

-- Without SET, so that it is inlined.
CREATE OR REPLACE FUNCTION ruvector.healing_metric_label(name text, value text)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $function$
  SELECT name || '="' || replace(replace(replace(coalesce(value, ''), E'\\', E'\\\\'), '"',
    E'\\"'), E'\n', E'\\n') || '"';
$function$;
COMMENT ON FUNCTION ruvector.healing_metric_label(text, text)
  IS 'A label of a metric as Prometheus reads it.';

CREATE OR REPLACE FUNCTION public.ruvector_healing_metrics(openmetrics boolean DEFAULT false)
RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
SET extra_float_digits = 1
AS $function$
  WITH written AS (
    SELECT s.family,
           string_agg(s.family || s.suffix
                      || CASE cardinality(s.labels) WHEN 0 THEN ''
                        -- Nearly all of thousands of lines.
                        WHEN 1 THEN '{' || ruvector.healing_metric_label(f.labels[1], s.labels[1])
                          || '}'
                        WHEN 2 THEN '{' || ruvector.healing_metric_label(f.labels[1], s.labels[1])
                          || ',' || ruvector.healing_metric_label(f.labels[2], s.labels[2]) || '}'
                        ELSE coalesce((SELECT '{' || string_agg(ruvector.healing_metric_label(
                                            f.labels[l.place], l.value), ',' ORDER BY l.place)
                                     || '}'
                                     FROM unnest(s.labels) WITH ORDINALITY l (value, place)), '')
                        END
                      || ' ' || CASE s.value WHEN 'Infinity' THEN '+Inf' WHEN '-Infinity'
                        THEN '-Inf' ELSE s.value::text END || E'\n',
                      '' ORDER BY s.labels[1], s.labels[2], s.suffix, s.labels) AS lines
      FROM ruvector.healing_metric_samples('{}') s
      JOIN ruvector.healing_metric_families() f ON f.name = s.family
     GROUP BY s.family
  )
  -- OpenMetrics names a family of counters without the _total of its samples, and ends with a word.
  SELECT string_agg(format(E'# HELP %1$s %2$s\n# TYPE %1$s %3$s\n%4$s',
                           CASE WHEN openmetrics AND f.type = 'counter'
                             THEN regexp_replace(f.name, '_total$', '') ELSE f.name END,
                           replace(replace(f.help, E'\\', E'\\\\'), E'\n', E'\\n'),
                           f.type, w.lines), ''
                             ORDER BY f.place)
         || CASE WHEN openmetrics THEN E'# EOF\n' ELSE '' END
    FROM written w
    JOIN ruvector.healing_metric_families() f ON f.name = w.family;
$function$;
COMMENT ON FUNCTION public.ruvector_healing_metrics(boolean)
  IS 'All metrics in Prometheus'' text format (true: OpenMetrics): SELECT '
  'ruvector_healing_metrics();';
