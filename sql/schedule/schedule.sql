-- pg_cron starts no second run of a job while one is on: a tick that hangs would be the last one.
-- So somebody looks after it.
CREATE OR REPLACE FUNCTION ruvector.healing_schedule_watch(schedule text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  -- Dynamic, because it must also install where pg_cron is not there.
  EXECUTE 'SELECT cron.schedule($1, $2, $3)' USING 'ruvector_healing_watch',
    CASE WHEN schedule LIKE '%second%'
      THEN greatest(substring(schedule FROM E'\\d+')::integer, 10) || ' seconds'
      ELSE '* * * * *' END, 'SELECT ruvector.healing_watch()';
END
$function$;
COMMENT ON FUNCTION ruvector.healing_schedule_watch(text)
  IS 'Has pg_cron look after the loop, which runs on that schedule.';

CREATE OR REPLACE FUNCTION public.ruvector_healing_schedule(every interval DEFAULT '5 seconds')
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  version text := (SELECT extversion FROM pg_extension WHERE extname = 'pg_cron');
  -- '': the server does not load pg_cron; '(hidden)': it does, and a plain role may not see where
  -- it lives (pg_settings leaves such a setting out).
  cron_database text := coalesce(ruvector.healing_server_setting('cron.database_name',
    '(hidden)'), '');
  seconds numeric;
  schedule text;
  job bigint;
BEGIN
  PERFORM ruvector.healing_writable('schedule');
  IF every IS NULL OR extract(epoch FROM every) < 1 OR extract(epoch FROM every) > 3600 THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001',
      MESSAGE = 'the interval must be between 1 second and 1 hour',
      DETAIL = format('Got %s.', coalesce(every::text, 'NULL')),
        HINT = 'SELECT ruvector_healing_schedule(''5 seconds'');';
  END IF;
  IF version IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'RV009',
      MESSAGE = format('pg_cron is not installed in database %I', current_database()),
      DETAIL = CASE cron_database WHEN ''
        THEN 'The server does not load pg_cron (shared_preload_libraries).'
                    WHEN '(hidden)' THEN
                      'The server loads pg_cron; this role may not see in which database it lives '
                      '(cron.database_name).'
                    ELSE format('pg_cron of this server lives in database %I (cron.database_name).',
                      cron_database) END,
      HINT = CASE WHEN cron_database = ''
        THEN 'Add pg_cron to shared_preload_libraries, or call CALL ruvector_healing_tick(); '
        'from any timer.'
                  WHEN cron_database = current_database() THEN 'CREATE EXTENSION pg_cron;'
                  ELSE format('In %s: SELECT cron.schedule_in_database(''ruvector_healing_tick'', '
                    '''5 seconds'', ''CALL ruvector.healing_tick()'', %L);',
                              CASE cron_database WHEN '(hidden)'
                                THEN 'the database where pg_cron lives (postgres, where nothing '
                                'else was set)' ELSE format('database %I', cron_database) END,
                              current_database()) END;
  END IF;
  seconds := ceil(extract(epoch FROM every));
  IF seconds >= 60 THEN
    -- pg_cron's seconds end at 59; cron lines step in whole minutes that divide the hour.
    schedule := CASE WHEN seconds > 1800 THEN '0 * * * *'
                     ELSE '*/' || (SELECT min(m)
                       FROM unnest(ARRAY[1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30]) m
                       WHERE m >= ceil(seconds / 60)) || ' * * * *' END;
  -- Debian 12's says 1.4-1.
  ELSIF (SELECT array_agg(m[1]::numeric ORDER BY place)
    FROM regexp_matches(version, '[0-9]+', 'g') WITH ORDINALITY v(m, place)) >= ARRAY[1,
    5]::numeric[] THEN
    schedule := seconds || CASE WHEN seconds = 1 THEN ' second' ELSE ' seconds' END;
  ELSE
    schedule := '* * * * *';
    RAISE NOTICE 'pg_cron % has no schedules in seconds (1.5 and newer do): the loop runs '
      'every minute', version;
  END IF;
  -- Dynamic, because the function must also install where pg_cron is not there.
  EXECUTE 'SELECT cron.schedule($1, $2, $3)' INTO job
    USING 'ruvector_healing_tick', schedule, 'CALL ruvector.healing_tick()';
  PERFORM ruvector.healing_schedule_watch(schedule);
  INSERT INTO ruvector.healing_events (kind, message, details)
  VALUES ('scheduled', format('The loop runs on schedule %s.', schedule),
    jsonb_build_object('jobid', job, 'schedule', schedule));
  RETURN jsonb_build_object('scheduled', true, 'schedule', schedule, 'jobid', job,
    'command', 'CALL ruvector.healing_tick()');
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_schedule(interval)
  IS 'Runs the loop by pg_cron: SELECT ruvector_healing_schedule(''5 seconds'');';

CREATE OR REPLACE FUNCTION public.ruvector_healing_unschedule()
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  jobs bigint[] := '{}';
  job bigint;
  held integer;
BEGIN
  PERFORM ruvector.healing_writable('unschedule');
  -- What is temporary ends with the loop that would have ended it.
  FOR held IN SELECT DISTINCT l.collection_id
    FROM ruvector.healing_leases l JOIN ruvector.collections c USING (collection_id)
    WHERE l.ended_at IS NULL LOOP
    PERFORM ruvector.healing_call('end_leases', jsonb_build_object('collection_id', held,
      'reason', 'the loop was unscheduled'));
  END LOOP;
  -- Others may have one of that name: theirs to end.
  IF to_regclass('cron.job') IS NOT NULL THEN
    EXECUTE 'SELECT array_agg(jobid) FROM cron.job WHERE jobname = $1 AND database = '
      'current_database() AND username = current_user' INTO jobs USING 'ruvector_healing_tick';
    FOREACH job IN ARRAY coalesce(jobs, '{}') LOOP
      EXECUTE 'SELECT cron.unschedule($1)' USING job;
      INSERT INTO ruvector.healing_events (kind, message, details)
      VALUES ('unscheduled', 'The loop no longer runs by pg_cron.',
        jsonb_build_object('jobid', job));
    END LOOP;
    EXECUTE 'SELECT cron.unschedule(jobid) FROM cron.job WHERE jobname = $1 AND database = '
      'current_database()' USING 'ruvector_healing_watch';
  END IF;
  RETURN jsonb_build_object('scheduled', false, 'removed', coalesce(array_length(jobs, 1), 0));
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_unschedule()
  IS 'Stops the loop; actions that are under way stay where they are until ticks come again.';
