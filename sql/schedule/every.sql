-- What pg_cron is told for "every so often": '5 seconds' or a line of cron. What it has no schedule
-- for is refused with what fits, and not rounded: '90 seconds' would come every two minutes. As an
-- interval PostgreSQL reads '*/5 * * * *' as five seconds.
CREATE OR REPLACE FUNCTION ruvector.healing_cron_schedule(every text)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET IntervalStyle = 'postgres'
AS $function$
DECLARE
  got constant text := coalesce(quote_literal(left(every, 200)), 'NULL');
  -- pg_cron's seconds end at 59; lines of cron step in whole minutes that divide the hour.
  fits constant integer[] := ARRAY(SELECT generate_series(1, 59)) || ARRAY(
    SELECT m * 60 FROM unnest(ARRAY[1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60]) m);
  line constant text := btrim(regexp_replace(every, E'\\s+', ' ', 'g'));
  fields constant text[] := string_to_array(line, ' ');
  seconds numeric;
  above integer;
BEGIN
  IF line LIKE '%*%' OR line LIKE '@%' OR (array_length(fields, 1) = 5 AND line ~ '^[-0-9,/ ]+$')
    THEN
    IF line = '@hourly' THEN
      RETURN '0 * * * *';
    END IF;
    IF array_length(fields, 1) <> 5 OR fields[2:5] <> ARRAY['*', '*', '*', '*'] THEN
      RAISE EXCEPTION USING ERRCODE = 'RV001',
        MESSAGE = CASE WHEN array_length(fields, 1) = 5 OR line LIKE '@%'
          THEN 'the loop has to run once an hour at least' ELSE 'this is no line of cron' END,
        DETAIL = format('Got %s; a line has five fields, and those for hour, day, month and '
          'weekday must be *: what the loop lent for a time ends with its ticks.', got),
        HINT = 'SELECT ruvector_healing_schedule(''*/5 * * * *''); is every five minutes. When it '
          'may act is the setting maintenance_windows.';
    END IF;
    RETURN line;
  END IF;
  BEGIN
    seconds := extract(epoch FROM every::interval);
  EXCEPTION WHEN data_exception THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001',
      MESSAGE = 'this is neither an interval nor a line of cron',
      DETAIL = format('Got %s.', got),
      HINT = 'SELECT ruvector_healing_schedule(''5 seconds'');  or ''*/5 * * * *'' for every five '
        'minutes.';
  END;
  IF seconds IS NULL OR seconds < 1 OR seconds > 3600 THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001',
      MESSAGE = 'the interval must be between 1 second and 1 hour', DETAIL = format('Got %s.', got),
      HINT = 'SELECT ruvector_healing_schedule(''5 seconds'');';
  END IF;
  above := (SELECT min(f) FROM unnest(fits) f WHERE f >= seconds);
  IF above <> seconds THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = 'pg_cron has no schedule of this interval',
      DETAIL = format('Got %s; it has 1 to 59 seconds, and whole minutes that divide the hour.',
        got),
      HINT = (SELECT string_agg(format('SELECT ruvector_healing_schedule(%L);', CASE
                WHEN f < 60 THEN f || ' second' WHEN f = 3600 THEN '1 hour'
                ELSE f / 60 || ' minute' END
                || CASE WHEN f IN (1, 60, 3600) THEN '' ELSE 's' END), '  or  ' ORDER BY f)
                FROM unnest(ARRAY[(SELECT max(b) FROM unnest(fits) b WHERE b < seconds), above]) f);
  END IF;
  RETURN CASE WHEN seconds = 1 THEN '1 second' WHEN seconds < 60 THEN above || ' seconds'
    WHEN seconds = 60 THEN '* * * * *' WHEN seconds = 3600 THEN '0 * * * *'
    ELSE '*/' || above / 60 || ' * * * *' END;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_cron_schedule(text)
  IS 'What pg_cron is told for an interval or a line of cron, or RV001 with what fits.';
