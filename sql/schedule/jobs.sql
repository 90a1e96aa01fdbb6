-- The jobs of pg_cron that the loop has: tick, and watch beside it. Their names carry the database,
-- because pg_cron keeps the jobs of all databases in one table, where a role has a name once: a
-- second database's job took over the first one's. pg_cron before 1.5 keeps 63 bytes of a name; 23
-- of them are ours.
CREATE OR REPLACE FUNCTION ruvector.healing_job_name(kind text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT format('ruvector_healing_%s_%s', kind, CASE WHEN octet_length(current_database()) <= 40
    THEN current_database()::text ELSE md5(current_database()::text) END);
$function$;
COMMENT ON FUNCTION ruvector.healing_job_name(text)
  IS 'The name of a job of pg_cron that belongs to the loop of this database: tick, watch.';

-- By the name it has, and by the one it had before names carried the database.
CREATE OR REPLACE FUNCTION ruvector.healing_job_names(kind text)
RETURNS text[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT ARRAY[ruvector.healing_job_name(kind), 'ruvector_healing_' || kind];
$function$;
COMMENT ON FUNCTION ruvector.healing_job_names(text)
  IS 'The names that a job of the loop may have.';

-- Nothing tells pg_cron of DROP EXTENSION or DROP SCHEMA, and a job that fails fails every five
-- seconds, for ever. So each ends quietly where we are gone, and takes all jobs of ours along.
-- Where pg_cron lives in another database, none can be taken from here.
CREATE OR REPLACE FUNCTION ruvector.healing_job_command(kind text, here boolean DEFAULT true)
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT format('DO $job$ BEGIN IF pg_catalog.to_regprocedure(''ruvector.healing_%s()'') '
    'IS NOT NULL THEN %s ruvector.healing_%s();%s END IF; END $job$', kind,
    CASE kind WHEN 'tick' THEN 'CALL' ELSE 'PERFORM' END, kind,
    CASE WHEN here THEN ' ELSE PERFORM cron.unschedule(j.jobid) FROM cron.job j '
      'WHERE j.database = pg_catalog.current_database() AND j.username = CURRENT_USER '
      'AND j.jobname ~ ''^ruvector_healing_((tick|watch)(_|$)|job_[0-9]+$)'';' ELSE '' END);
$function$;
COMMENT ON FUNCTION ruvector.healing_job_command(text, boolean)
  IS 'What pg_cron runs for a job of the loop.';

-- Which jobs (j) would be scheduled again in vain, as pg_cron keeps that: one that was switched
-- off, and one of a host or port that was right when it was made (pg_upgrade, a restored dump,
-- another cron.host), whose last run could not connect. Where no run is there to be read (a role
-- may have cron.job and not the runs; what it has in another database is not known here), by its
-- port.
CREATE OR REPLACE FUNCTION ruvector.healing_job_stays_out(here boolean)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  moved constant text := 'j.nodeport <> current_setting(''port'')::integer';
BEGIN
  RETURN format('(NOT j.active OR %s)', CASE
    WHEN here AND has_table_privilege('cron.job_run_details', 'SELECT')
      THEN format('coalesce((SELECT coalesce(d.return_message = ''connection failed'', false) '
        'FROM cron.job_run_details d WHERE d.jobid = j.jobid ORDER BY d.runid DESC LIMIT 1), %s)',
        moved)
    ELSE moved END);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_job_stays_out(boolean)
  IS 'The condition on a row j of cron.job that would not run though it were scheduled again.';

-- Makes a job, or changes its schedule. One of the old name goes, and leaves its place; one that
-- somebody renamed, too, which its command tells: two would tick, and unschedule() leave one.
-- pg_cron keeps that a job is switched off, its host and its port, where the name is there; who may
-- not call cron.alter_job() may put it in anew.
CREATE OR REPLACE FUNCTION ruvector.healing_put_job(kind text, schedule text)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET row_security = on
AS $function$
DECLARE
  job bigint;
BEGIN
  -- Dynamic, because it must also install where pg_cron is not there.
  EXECUTE 'SELECT cron.unschedule(j.jobid) FROM cron.job j WHERE j.jobname = $1 '
    'AND j.database = current_database() AND j.username = current_user AND '
    || ruvector.healing_job_stays_out(true) USING ruvector.healing_job_name(kind);
  EXECUTE 'SELECT cron.schedule($1, $2, $3)' INTO job
    USING ruvector.healing_job_name(kind), schedule, ruvector.healing_job_command(kind);
  EXECUTE 'SELECT cron.unschedule(j.jobid) FROM cron.job j WHERE (j.jobname = $1 '
    'OR j.command = $2 AND j.jobid <> $3) AND j.database = current_database() '
    'AND j.username = current_user'
    USING 'ruvector_healing_' || kind, ruvector.healing_job_command(kind), job;
  RETURN job;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_put_job(text, text)
  IS 'Has pg_cron run a job of the loop on a schedule.';

-- pg_cron starts no second run of a job while one is on: a tick that hangs would be the last one.
-- So somebody looks after it.
CREATE OR REPLACE FUNCTION ruvector.healing_schedule_watch(schedule text)
RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT ruvector.healing_put_job('watch', CASE WHEN schedule LIKE '%second%'
    THEN greatest(substring(schedule FROM E'\\d+')::integer, 10) || ' seconds'
    ELSE '* * * * *' END);
$function$;
COMMENT ON FUNCTION ruvector.healing_schedule_watch(text)
  IS 'Has pg_cron look after the loop, which runs on that schedule.';

-- Jobs of pg_cron that schedule() and unschedule() leave, as whoever asks may see them: what else
-- runs the loop here, and jobs of ours that pg_cron has of a database that was renamed or dropped,
-- which fail every few seconds, for ever. NULL: there is none.
CREATE OR REPLACE FUNCTION ruvector.healing_stray_jobs()
RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET row_security = on
AS $function$
DECLARE
  statement constant text := format($strays$
    SELECT string_agg(format('Job %%s of pg_cron (%%s) %%s: SELECT cron.unschedule(%%s);', j.jobid,
             coalesce(quote_ident(left(j.jobname, 200)), 'without a name'),
             CASE WHEN j.database = %1$L THEN 'runs the loop as well'
               ELSE format('is for database %%I, which is not there any more', j.database) END,
             j.jobid), '  ' ORDER BY j.jobid)
      FROM cron.job j
     WHERE (j.database = %1$L AND j.active AND j.jobname IS DISTINCT FROM %2$L
         AND j.command ~ 'ruvector[_.]healing_tick[ ]*[(]')
        OR (j.jobname ~ '^ruvector_healing_(tick|watch)_' AND NOT EXISTS (
          SELECT FROM pg_catalog.pg_database d WHERE d.datname = j.database))$strays$,
    current_database(), ruvector.healing_job_name('tick'));
  said text;
BEGIN
  IF NOT ruvector.healing_cron_here() THEN
    RETURN (SELECT a.answer FROM ruvector.healing_ask_cron(statement) a);
  END IF;
  EXECUTE statement INTO said;
  RETURN said;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_stray_jobs()
  IS 'Jobs of pg_cron that run the loop as well, or are for a database that is gone, with what '
  'takes each out.';
