-- The row of healing_ticks with what was written beside it while somebody held it.
CREATE OR REPLACE FUNCTION ruvector.healing_ticks_now()
RETURNS SETOF ruvector.healing_ticks
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT t.one, t.ticks + coalesce(u.started, 0), coalesce(u.started_at, t.started_at),
         coalesce(u.finished_at, t.finished_at), t.interval_seconds,
         coalesce(u.last_error, t.last_error), coalesce(u.last_error_at, t.last_error_at),
         t.errors + coalesce(u.failed, 0)
    FROM ruvector.healing_ticks t
   CROSS JOIN (
     SELECT count(*) FILTER (WHERE what = 'started') AS started,
            (array_agg(at ORDER BY id DESC) FILTER (WHERE what = 'started'))[1] AS started_at,
            (array_agg(at ORDER BY id DESC) FILTER (WHERE what = 'finished'))[1] AS finished_at,
            count(*) FILTER (WHERE what = 'failed') AS failed,
            (array_agg(error ORDER BY id DESC) FILTER (WHERE what = 'failed'))[1] AS last_error,
            (array_agg(at ORDER BY id DESC) FILTER (WHERE what = 'failed'))[1] AS last_error_at
       FROM ruvector.healing_ticks_uncounted) u;
$function$;
COMMENT ON FUNCTION ruvector.healing_ticks_now()
  IS 'When the loop last ran, also while another session holds the row of healing_ticks.';

-- 5 s is what ruvector_healing_schedule() takes where nobody says otherwise.
CREATE OR REPLACE FUNCTION ruvector.healing_tick_interval(measured double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE
AS $function$
  SELECT coalesce(measured, 5);
$function$;
COMMENT ON FUNCTION ruvector.healing_tick_interval(double precision)
  IS 'Seconds between ticks, also before two of them were seen.';
