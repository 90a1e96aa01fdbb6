-- pg_cron lives in one database of a server, and runs jobs in all. Another one reaches it by dblink
-- alone, where that is installed: through the foreign server ruvector_healing_cron, where there is
-- one, with this role's user mapping, or else as this role, which pg_hba.conf has to let in
-- (without a password only who may call dblink_connect_u). What is asked is committed there.
CREATE OR REPLACE FUNCTION ruvector.healing_ask_cron(statement text, OUT answer text,
  OUT problem text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  own constant text := 'ruvector_healing_cron';
  place constant name := (SELECT n.nspname FROM pg_extension e
    JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'dblink');
  named boolean;
  connect text;
  target text;
BEGIN
  IF place IS NULL THEN
    problem := 'the extension dblink is not installed here';
    RETURN;
  END IF;
  named := EXISTS (SELECT FROM pg_foreign_server s WHERE s.srvname = own);
  connect := format('%I.dblink_connect', place);
  IF NOT named AND has_function_privilege(connect || '_u(text,text)', 'EXECUTE') THEN
    connect := connect || '_u';
  END IF;
  target := CASE WHEN named THEN own
    ELSE (SELECT string_agg(format('%s=''%s''', o.name,
            replace(replace(o.value, E'\\', E'\\\\'), '''', E'\\''')), ' ')
            FROM (VALUES ('dbname', coalesce(nullif(ruvector.healing_server_setting(
                            'cron.database_name'), ''), 'postgres')),
                         ('user', current_user),
                         ('port', current_setting('port')),
                         ('host', coalesce(nullif(btrim(split_part(ruvector.healing_server_setting(
                            'unix_socket_directories'), ',', 1)), ''), 'localhost')),
                         ('connect_timeout', '5'),
                         ('application_name', own)) o (name, value)) END;
  BEGIN
    EXECUTE format('SELECT %s($1, $2)', connect) USING own, target;
    EXECUTE format('SELECT t.answer FROM %I.dblink($1, $2) t (answer text)', place) INTO answer
      USING own, statement;
  EXCEPTION WHEN OTHERS THEN
    problem := left(SQLERRM, 500);
  END;
  EXECUTE format('SELECT CASE WHEN $1 = ANY (%1$I.dblink_get_connections()) '
    'THEN %1$I.dblink_disconnect($1) END', place) USING own;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_ask_cron(text)
  IS 'Asks a statement in the database where pg_cron lives: its first column, or why it could not.';

-- What has to be typed there, what is asked there from here, and where that is. For the installing
-- role, so that the job has its rights and not those of the superuser who types it; who is none may
-- name no role.
CREATE OR REPLACE FUNCTION ruvector.healing_schedule_elsewhere(schedule text, OUT statement text,
  OUT asked text, OUT place text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH job AS (
    SELECT CASE WHEN schedule IS NULL
             THEN format('SELECT cron.unschedule(jobid) FROM cron.job WHERE database = %L AND '
               'jobname = ANY (%L);', current_database(), ruvector.healing_job_names('tick'))
             ELSE format('cron.schedule_in_database(%L, %L, $command$%s$command$, %L, ',
               ruvector.healing_job_name('tick'), schedule,
               ruvector.healing_job_command('tick', false), current_database()) END AS begins,
           coalesce(ruvector.healing_server_setting('cron.database_name', '(hidden)'), '') AS place
  )
  -- One that was switched off would stay so, and one of a port of before.
  SELECT CASE WHEN schedule IS NULL THEN begins
           ELSE format('SELECT cron.alter_job(%s%L), active := true);', begins, current_user) END,
         CASE WHEN schedule IS NULL THEN begins ELSE format('WITH off AS MATERIALIZED '
           '(SELECT cron.unschedule(j.jobid) FROM cron.job j WHERE %s AND j.jobname = %L '
           'AND j.database = %L AND j.username IN (%L, current_user)) SELECT %s(SELECT %L WHERE '
           'current_setting(''is_superuser'')::boolean)) FROM (SELECT count(*) FROM off) n;',
           ruvector.healing_job_stays_out(false), ruvector.healing_job_name('tick'),
           current_database(), current_user, begins, current_user) END,
         CASE place WHEN '' THEN NULL
           WHEN '(hidden)' THEN 'the database where pg_cron lives (postgres, where nothing else '
             'was set)'
           ELSE format('database %I', place) END
    FROM job;
$function$;
COMMENT ON FUNCTION ruvector.healing_schedule_elsewhere(text)
  IS 'The statement that schedules the loop from pg_cron''s own database (NULL: unschedules it), '
  'and which that is; NULL where the server does not load pg_cron.';
