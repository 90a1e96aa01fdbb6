-- How long, in two units: 45 s, 3 min 20 s, 2 h 5 min, 6 days 4 h.
CREATE OR REPLACE FUNCTION ruvector.healing_span(seconds double precision)
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE
    WHEN s < 9.95 THEN trim_scale(round(s, 1)) || ' s'
    WHEN whole < 60 THEN whole || ' s'
    WHEN whole < 3600
      THEN whole / 60 || ' min' || coalesce(' ' || nullif(whole % 60, 0) || ' s', '')
    WHEN whole < 86400
      THEN whole / 3600 || ' h' || coalesce(' ' || nullif(whole % 3600 / 60, 0) || ' min', '')
    ELSE whole / 86400 || CASE WHEN whole < 172800 THEN ' day' ELSE ' days' END
      || coalesce(' ' || nullif(whole % 86400 / 3600, 0) || ' h', '') END
    FROM (SELECT greatest(seconds, 0)::numeric AS s,
      round(least(greatest(seconds, 0), 1e15))::bigint AS whole) given
   WHERE seconds IS NOT NULL;
$function$;
COMMENT ON FUNCTION ruvector.healing_span(double precision) IS 'Seconds in words; NULL of NULL.';

-- 9438, 'row' -> '9,438 rows'.
CREATE OR REPLACE FUNCTION ruvector.healing_many(number bigint, noun text)
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT to_char(number, 'FM999,999,999,999,999,999') || ' ' || noun
    || CASE WHEN number = 1 THEN '' ELSE 's' END;
$function$;
COMMENT ON FUNCTION ruvector.healing_many(bigint, text) IS 'A number with its noun.';

-- What others named, on one line: nothing that acts on a screen, as src/base/text.ts has it.
CREATE OR REPLACE FUNCTION ruvector.healing_printable(said text)
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT regexp_replace(CASE WHEN length(said) > 300 THEN left(said, 297) || '...' ELSE said END,
    E'[[:cntrl:]\\u0080-\\u009f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff]',
    chr(63), 'g');
$function$;
COMMENT ON FUNCTION ruvector.healing_printable(text)
  IS 'A text as one line of at most 300 characters.';

-- A line in lines of at most 100 characters, those after the first further in.
CREATE OR REPLACE FUNCTION ruvector.healing_wrapped(line text)
RETURNS TABLE (place bigint, piece text)
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT w.place, repeat(' ', (length(line) - length(ltrim(line))
    + CASE WHEN w.place = 1 THEN 0 ELSE 4 END)::int) || rtrim(w.found[1])
    FROM regexp_matches(ltrim(line) || ' ', E'(\\S.{0,90}\\s|\\S{90})', 'g') WITH ORDINALITY
      w(found, place)
   UNION ALL
  SELECT 1, '' WHERE line = '';
$function$;
COMMENT ON FUNCTION ruvector.healing_wrapped(text) IS 'A line as lines of at most 100 characters.';

-- What a person does who has no loop, by strategy. Of a strategy that is not ours, its name.
CREATE OR REPLACE FUNCTION ruvector.healing_by_hand(one jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE
    -- Nothing was to be done.
    WHEN one ->> 'strategy' IN ('rebalance_partitions', 'drain_hot_partition', 'evict_cold_data')
      AND (one ->> 'rows')::bigint = 0 THEN NULL
    WHEN one ->> 'strategy' IN ('rebalance_partitions', 'drain_hot_partition', 'evict_cold_data')
      THEN format('pick the rows, move %s in %s short enough for writers, note where each came '
        'from',
        CASE WHEN (one ->> 'rows')::bigint = 1 THEN 'it' ELSE
          to_char((one ->> 'rows')::bigint, 'FM999,999,999,999') || ' of them' END,
        ruvector.healing_many((one ->> 'steps')::bigint, 'transaction'))
    ELSE CASE one ->> 'strategy'
      WHEN 'rebuild_centroids'
        THEN 'build the index anew beside the old one, compare the two, swap them'
      WHEN 'rebuild_index' THEN 'build the index anew beside the old one, compare what they find, '
        'swap them'
      WHEN 'compact_indexes'
        THEN 'REINDEX CONCURRENTLY what is bloated, one by one, and clear away what a failed one '
        'leaves'
      WHEN 'vacuum_index' THEN 'VACUUM the table at a quiet time, and measure what its index finds'
      WHEN 'tune_search'
        THEN 'measure recall at several depths, and set the least that is enough for the roles '
        'that search'
      WHEN 'pause_maintenance'
        THEN 'find the job that is in the way, switch it off, and on again afterwards'
      WHEN 'throttle_ingestion'
        THEN 'have the writers slowed down, and remember to let them go again'
      WHEN 'scale_replicas' THEN 'scale the replicas, and wait until all answer'
      ELSE one ->> 'strategy' || ', by hand' END END
    || CASE WHEN one ->> 'state' IN ('rolled_back', 'aborted', 'failed', 'rollback_failed')
      AND ((one ->> 'rows_undone')::bigint > 0 OR (one ->> 'undo_seconds')::float8 > 0)
      THEN '; then see that it did not stay, and take it back' ELSE '; then look whether it helped'
      END;
$function$;
COMMENT ON FUNCTION ruvector.healing_by_hand(jsonb)
  IS 'What a person would have had to do in place of an action of the report.';
