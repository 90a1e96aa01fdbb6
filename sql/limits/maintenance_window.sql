-- Maintenance windows in time: local hours need the server's time zones, which the JavaScript
-- engines have not.
--
-- A window is made of its occurrences on the days around `at`, each from one local time to another.
-- Where summer time makes a local time not exist or exist twice, PostgreSQL's own reading of it
-- holds: the hour left out in spring counts as the one after it (a window that lies within it does
-- not open that day), the doubled one in autumn is its second. Windows that touch are one.
--
-- is_open is NULL where no windows are set. A time zone that is not known here (a dump restored
-- elsewhere) is a closed window and a problem to show, never an error: status must be readable and
-- the loop must fail closed.
CREATE OR REPLACE FUNCTION ruvector.healing_window(
  windows jsonb, at timestamptz,
  OUT is_open boolean, OUT closes_at timestamptz, OUT opens_at timestamptz, OUT problem text
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  spans tstzmultirange;
BEGIN
  IF windows IS NULL OR windows = '[]' THEN
    RETURN;
  END IF;
  -- Two weeks and a day: a window that summer time swallows comes again a week later.
  SELECT range_agg(tstzrange(o.starts, o.ends)) INTO spans
    FROM jsonb_to_recordset(windows) w(days jsonb, "from" time, "to" time, time_zone text)
   CROSS JOIN LATERAL (SELECT coalesce(w.time_zone, 'UTC') AS zone, coalesce(w."from", '00:00')
     AS first, coalesce(w."to", '24:00') AS last) z
   CROSS JOIN LATERAL (SELECT (at AT TIME ZONE z.zone)::date + n AS day
     FROM generate_series(-1, 15) n) d
   CROSS JOIN LATERAL (SELECT (d.day + z.first) AT TIME ZONE z.zone AS starts,
                              (d.day + CASE WHEN z.last > z.first THEN 0
                                ELSE 1 END + z.last) AT TIME ZONE z.zone AS ends) o
   WHERE jsonb_exists(coalesce(w.days, '["mon","tue","wed","thu","fri","sat","sun"]'),
     (ARRAY['mon','tue','wed','thu','fri','sat','sun'])[extract(isodow FROM d.day)::int])
     AND o.starts < o.ends;
  is_open := coalesce(spans @> at, false);
  -- What holds for more than a week on end holds for ever: windows come back every week.
  SELECT nullif(least(upper(s), at + interval '8 days'), at + interval '8 days') INTO closes_at
    FROM unnest(spans) s WHERE s @> at;
  SELECT min(lower(s)) INTO opens_at FROM unnest(spans) s WHERE lower(s) > at;
EXCEPTION WHEN OTHERS THEN
  is_open := false;
  closes_at := NULL;
  opens_at := NULL;
  problem := SQLERRM;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_window(jsonb, timestamptz)
  IS 'Whether maintenance windows are open at a time, until when, and when the next one opens.';

CREATE OR REPLACE FUNCTION ruvector.healing_window_status(settings jsonb)
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE WHEN w.is_open IS NOT NULL THEN jsonb_build_object(
           'open', w.is_open, 'closes_at', ruvector.healing_timestamp(w.closes_at),
             'opens_at', ruvector.healing_timestamp(w.opens_at),
           'problem', w.problem) END
    FROM ruvector.healing_window(settings -> 'maintenance_windows', clock_timestamp()) w;
$function$;
COMMENT ON FUNCTION ruvector.healing_window_status(jsonb)
  IS 'Maintenance windows as ruvector_healing_status() shows them; NULL where none are set.';
