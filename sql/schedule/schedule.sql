-- The loop's job where pg_cron lives in another database.
CREATE OR REPLACE FUNCTION ruvector.healing_run_from_elsewhere(schedule text)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  elsewhere constant record := ruvector.healing_schedule_elsewhere(schedule);
  asked record;
  said constant text := format(CASE WHEN to_regclass('cron.job') IS NULL
    THEN 'pg_cron is not installed in database %I' ELSE 'pg_cron runs no jobs from database %I' END,
    current_database());
BEGIN
  IF elsewhere.place IS NULL OR elsewhere.place = format('database %I', current_database()) THEN
    RAISE EXCEPTION USING ERRCODE = 'RV009',
      MESSAGE = said,
      DETAIL = CASE WHEN elsewhere.place IS NULL
        THEN 'The server does not load pg_cron (shared_preload_libraries).'
        ELSE 'It lives in this database (cron.database_name), and its extension is not here.' END,
      HINT = CASE WHEN elsewhere.place IS NULL
        THEN 'Add pg_cron to shared_preload_libraries, or call CALL ruvector_healing_tick(); '
        'from any timer.'
        ELSE 'CREATE EXTENSION pg_cron;' END;
  END IF;
  asked := ruvector.healing_ask_cron(elsewhere.asked);
  IF asked.problem IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'RV009',
      MESSAGE = said,
      DETAIL = format('%s, which could not be asked from here: %s.', CASE
        WHEN elsewhere.place LIKE 'database %'
        THEN format('pg_cron of this server lives in %s (cron.database_name)', elsewhere.place)
        ELSE 'The server loads pg_cron; this role may not see in which database it lives '
        '(cron.database_name)' END, asked.problem),
      HINT = format('In %s, as a superuser: %s', elsewhere.place, elsewhere.statement);
  END IF;
  RETURN asked.answer;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_run_from_elsewhere(text)
  IS 'Has pg_cron of another database run the loop here; RV009 with what to type there.';

CREATE OR REPLACE FUNCTION ruvector.healing_run_by_cron(every text)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  here constant boolean := ruvector.healing_cron_here();
  -- Of what the server has, where pg_cron is in another database.
  version constant text := coalesce(
    (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'pg_cron'),
    (SELECT a.default_version FROM pg_available_extensions a WHERE a.name = 'pg_cron'), '1.5');
  schedule text;
  job bigint;
  few text;
BEGIN
  PERFORM ruvector.healing_writable('schedule');
  schedule := ruvector.healing_cron_schedule(every);
  few := ruvector.healing_cron_slots();
  -- Debian 12's says 1.4-1.
  IF schedule LIKE '%second%' AND (SELECT array_agg(m[1]::numeric ORDER BY place)
    FROM regexp_matches(version, '[0-9]+', 'g') WITH ORDINALITY v(m, place)) < ARRAY[1,
    5]::numeric[] THEN
    schedule := '* * * * *';
    RAISE NOTICE 'pg_cron % has no schedules in seconds (1.5 and newer do): the loop runs '
      'every minute', version;
  END IF;
  IF here THEN
    BEGIN
      job := ruvector.healing_put_job('tick', schedule);
    EXCEPTION WHEN invalid_parameter_value OR syntax_error THEN
      RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = 'pg_cron does not take this schedule',
        DETAIL = format('Got %s; it says: %s.', quote_literal(left(every, 200)), SQLERRM),
        HINT = 'SELECT ruvector_healing_schedule(''*/5 * * * *''); is every five minutes.';
    WHEN insufficient_privilege THEN
      IF current_setting('cron.enable_superuser_jobs', true) IS DISTINCT FROM 'off'
        OR NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) THEN
        RAISE;
      END IF;
      RAISE EXCEPTION USING ERRCODE = 'RV009',
        MESSAGE = 'pg_cron runs no jobs of superusers here',
        DETAIL = format('cron.enable_superuser_jobs is off, and role %I is a superuser.',
          current_user),
        HINT = 'Install ruvector_healing as a role that is no superuser, or: ALTER SYSTEM SET '
        'cron.enable_superuser_jobs = on; and restart the server.';
    END;
    PERFORM ruvector.healing_schedule_watch(schedule);
  ELSE
    job := ruvector.healing_run_from_elsewhere(schedule);
  END IF;
  INSERT INTO ruvector.healing_events (kind, message, details)
  VALUES ('scheduled', format('The loop runs on schedule %s.', schedule),
    jsonb_build_object('jobid', job, 'schedule', schedule));
  RETURN jsonb_strip_nulls(jsonb_build_object('scheduled', true, 'schedule', schedule,
    'jobid', job, 'jobname', ruvector.healing_job_name('tick'),
    'note', nullif(concat_ws('  ', few, ruvector.healing_stray_jobs()), '')));
END
$function$;
COMMENT ON FUNCTION ruvector.healing_run_by_cron(text) IS 'Has pg_cron run the loop.';

-- A text in quotes finds this one; nothing in the parentheses, and an interval, the other.
CREATE OR REPLACE FUNCTION public.ruvector_healing_schedule(every text)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$ SELECT ruvector.healing_run_by_cron(every) $function$;
COMMENT ON FUNCTION public.ruvector_healing_schedule(text)
  IS 'Runs the loop by pg_cron: SELECT ruvector_healing_schedule(''5 seconds''); or '
  '''*/5 * * * *'' for every five minutes.';

CREATE OR REPLACE FUNCTION public.ruvector_healing_schedule(every interval DEFAULT '5 seconds')
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off SET IntervalStyle = 'postgres'
AS $function$ SELECT ruvector.healing_run_by_cron(every::text) $function$;
COMMENT ON FUNCTION public.ruvector_healing_schedule(interval)
  IS 'Runs the loop by pg_cron: SELECT ruvector_healing_schedule(''5 seconds'');';

CREATE OR REPLACE FUNCTION public.ruvector_healing_unschedule()
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  elsewhere record;
  asked record;
  jobs bigint[] := '{}';
  job bigint;
  held integer;
  note text;
BEGIN
  PERFORM ruvector.healing_writable('unschedule');
  -- What is temporary ends with the loop that would have ended it.
  FOR held IN SELECT DISTINCT l.collection_id
    FROM ruvector.healing_leases l JOIN ruvector.collections c USING (collection_id)
    WHERE l.ended_at IS NULL LOOP
    PERFORM ruvector.healing_call('end_leases', jsonb_build_object('collection_id', held,
      'reason', 'the loop was unscheduled'));
  END LOOP;
  -- Others may have one of that name: theirs to end. One that was renamed has our command.
  IF to_regclass('cron.job') IS NOT NULL THEN
    EXECUTE 'SELECT array_agg(jobid) FROM cron.job WHERE (jobname = ANY ($1) OR command = $2) '
      'AND database = current_database() AND username = current_user' INTO jobs
      USING ruvector.healing_job_names('tick'), ruvector.healing_job_command('tick');
    FOREACH job IN ARRAY coalesce(jobs, '{}') LOOP
      EXECUTE 'SELECT cron.unschedule($1)' USING job;
    END LOOP;
    EXECUTE 'SELECT cron.unschedule(jobid) FROM cron.job WHERE (jobname = ANY ($1) '
      'OR command = $2) AND database = current_database() AND username = current_user'
      USING ruvector.healing_job_names('watch'), ruvector.healing_job_command('watch');
    note := ruvector.healing_stray_jobs();
  END IF;
  IF NOT ruvector.healing_cron_here() THEN
    elsewhere := ruvector.healing_schedule_elsewhere(NULL);
    IF elsewhere.place IS NOT NULL THEN
      asked := ruvector.healing_ask_cron(format('SELECT array_agg(j.jobid)::text FROM cron.job j, '
        'cron.unschedule(j.jobid) WHERE j.database = %L AND j.jobname = ANY (%L)',
        current_database(), ruvector.healing_job_names('tick')));
      jobs := coalesce(jobs, '{}') || asked.answer::bigint[];
      note := CASE WHEN asked.problem IS NOT NULL
        THEN format('pg_cron could not be asked from here: %s. If it runs the loop, then in %s, '
        'as a superuser: %s', asked.problem, elsewhere.place, elsewhere.statement)
        ELSE ruvector.healing_stray_jobs() END;
    END IF;
  END IF;
  FOREACH job IN ARRAY coalesce(jobs, '{}') LOOP
    INSERT INTO ruvector.healing_events (kind, message, details)
    VALUES ('unscheduled', 'The loop no longer runs by pg_cron.',
      jsonb_build_object('jobid', job));
  END LOOP;
  RETURN jsonb_strip_nulls(jsonb_build_object('scheduled', false,
    'removed', coalesce(array_length(jobs, 1), 0), 'note', note));
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_unschedule()
  IS 'Stops the loop: SELECT ruvector_healing_unschedule(); Actions that are under way stay where '
  'they are until ticks come again.';
