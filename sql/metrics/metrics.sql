-- Plain SQL: a scrape every few seconds must not start the JavaScript engine.

-- All of them; NULL is no value. Without SET, so that it is inlined.
CREATE OR REPLACE FUNCTION ruvector.healing_metric_values()
RETURNS TABLE (family text, suffix text, labels text[], value double precision)
LANGUAGE sql STABLE
AS $function$
  SELECT * FROM ruvector.healing_metrics_of_collections()
  UNION ALL
  SELECT * FROM ruvector.healing_metrics_of_outcomes()
  UNION ALL
  SELECT * FROM ruvector.healing_metrics_of_counters()
  UNION ALL
  SELECT * FROM ruvector.healing_metrics_of_actions()
  UNION ALL
  SELECT * FROM ruvector.healing_metrics_of_refusals()
  UNION ALL
  SELECT * FROM ruvector.healing_metrics_of_installation()
  UNION ALL
  SELECT * FROM ruvector.healing_metrics_of_audit();
$function$;
COMMENT ON FUNCTION ruvector.healing_metric_values() IS 'Values of all metrics.';

-- With names of families only what they are made from is read: an exporter asks for one after the
-- other.
CREATE OR REPLACE FUNCTION ruvector.healing_metric_samples(families text[])
RETURNS TABLE (family text, suffix text, labels text[], value double precision)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET jit = off
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
DECLARE
  sources text[];
BEGIN
  IF coalesce(cardinality(families), 0) = 0 THEN
    RETURN QUERY SELECT * FROM ruvector.healing_metric_values() s WHERE s.value IS NOT NULL;
    RETURN;
  END IF;
  sources := ARRAY(SELECT DISTINCT o FROM ruvector.healing_metric_families() f
    CROSS JOIN LATERAL unnest(f.sources) o WHERE f.name = ANY (families));
  IF 'collections' = ANY (sources) THEN
    RETURN QUERY SELECT * FROM ruvector.healing_metrics_of_collections() s
      WHERE s.value IS NOT NULL AND s.family = ANY (families);
  END IF;
  IF 'outcomes' = ANY (sources) THEN
    RETURN QUERY SELECT * FROM ruvector.healing_metrics_of_outcomes() s
      WHERE s.value IS NOT NULL AND s.family = ANY (families);
  END IF;
  IF 'counters' = ANY (sources) THEN
    RETURN QUERY SELECT * FROM ruvector.healing_metrics_of_counters() s
      WHERE s.value IS NOT NULL AND s.family = ANY (families);
  END IF;
  IF 'actions' = ANY (sources) THEN
    RETURN QUERY SELECT * FROM ruvector.healing_metrics_of_actions() s
      WHERE s.value IS NOT NULL AND s.family = ANY (families);
  END IF;
  IF 'refusals' = ANY (sources) THEN
    RETURN QUERY SELECT * FROM ruvector.healing_metrics_of_refusals() s
      WHERE s.value IS NOT NULL AND s.family = ANY (families);
  END IF;
  IF 'installation' = ANY (sources) THEN
    RETURN QUERY SELECT * FROM ruvector.healing_metrics_of_installation() s
      WHERE s.value IS NOT NULL AND s.family = ANY (families);
  END IF;
  IF 'audit' = ANY (sources) THEN
    RETURN QUERY SELECT * FROM ruvector.healing_metrics_of_audit() s
      WHERE s.value IS NOT NULL AND s.family = ANY (families);
  END IF;
END
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

-- Before, each line had the names of its labels put together anew. Nobody but us is granted it.
DROP FUNCTION IF EXISTS ruvector.healing_metric_label(text, text);

-- Without SET, so that it is inlined.
CREATE OR REPLACE FUNCTION ruvector.healing_metric_label_value(value text)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $function$
  SELECT replace(replace(replace(coalesce(value, ''), E'\\', E'\\\\'), '"', E'\\"'), E'\n',
    E'\\n');
$function$;
COMMENT ON FUNCTION ruvector.healing_metric_label_value(text)
  IS 'The value of a label of a metric as Prometheus reads it.';

CREATE OR REPLACE FUNCTION public.ruvector_healing_metrics(openmetrics boolean DEFAULT false)
RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
SET extra_float_digits = 1
SET plan_cache_mode = force_generic_plan
AS $function$
BEGIN
  RETURN (
  WITH families AS (
    SELECT f.name, f.place, f.type = 'summary' AS several, f.labels,
           '{' || f.labels[1] || '="' AS first, '",' || f.labels[2] || '="' AS second
      FROM ruvector.healing_metric_families() f OFFSET 0
  ), lines AS (
    SELECT f.place, CASE WHEN f.several THEN s.labels[1:2] END AS of,
           s.family || s.suffix
             -- Nearly all of thousands of lines have one or two.
             || CASE cardinality(s.labels) WHEN 0 THEN ' '
               WHEN 1 THEN f.first || ruvector.healing_metric_label_value(s.labels[1]) || '"} '
               WHEN 2 THEN f.first || ruvector.healing_metric_label_value(s.labels[1])
                 || f.second || ruvector.healing_metric_label_value(s.labels[2]) || '"} '
               ELSE (SELECT '{' || string_agg(f.labels[l.place] || '="'
                   || ruvector.healing_metric_label_value(l.value), '",' ORDER BY l.place) || '"} '
                 FROM unnest(s.labels) WITH ORDINALITY l (value, place)) END
             || CASE s.value WHEN 'Infinity' THEN '+Inf' WHEN '-Infinity' THEN '-Inf'
               ELSE s.value::text END || E'\n' AS line
      FROM ruvector.healing_metric_values() s
      JOIN families f ON f.name = s.family
     WHERE s.value IS NOT NULL
  ), blocks AS (
    -- As they come, by collection: to sort them was a fifth of it. Only the lines of one summary
    -- have to stand together.
    SELECT l.place, l.of, string_agg(l.line, '') AS lines FROM lines l GROUP BY l.place, l.of
  ), written AS (
    SELECT b.place, string_agg(b.lines, '' ORDER BY b.of) AS lines FROM blocks b GROUP BY b.place
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
    JOIN ruvector.healing_metric_families() f ON f.place = w.place);
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_metrics(boolean)
  IS 'All metrics in Prometheus'' text format (true: OpenMetrics): SELECT '
  'ruvector_healing_metrics();';
