-- A setting of the server; NULL where there is none of that name, `denied` where the role may not
-- see it: pg_cron shows its own to members of pg_read_all_settings only.
CREATE OR REPLACE FUNCTION ruvector.healing_server_setting(name text, denied text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql STABLE
AS $function$
BEGIN
  RETURN current_setting(name, true);
EXCEPTION WHEN insufficient_privilege THEN
  RETURN denied;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_server_setting(text, text)
  IS 'A setting of the server, as far as the role may see it.';

-- pg_cron runs the jobs of one database's table alone (cron.database_name). Its extension may stand
-- elsewhere too, where it lived before: what is scheduled there never runs, and nobody says so. Who
-- may not see the setting takes it for here; where the server does not load it, it says so itself.
CREATE OR REPLACE FUNCTION ruvector.healing_cron_here()
RETURNS boolean
LANGUAGE sql STABLE
AS $function$
  SELECT EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE e.extname = 'pg_cron')
     AND coalesce(ruvector.healing_server_setting('cron.database_name'),
       pg_catalog.current_database()) OPERATOR(pg_catalog.=) pg_catalog.current_database();
$function$;
COMMENT ON FUNCTION ruvector.healing_cron_here()
  IS 'Whether pg_cron runs what is scheduled in this database.';

-- pg_cron that connects waits for ever where as many jobs are due as may run: it looks at those
-- that wait and not at those that run, which never end (its issue 63, open in 1.6). The loop has
-- two jobs, and one for each build; so one slot is none, for all jobs of the server. NULL: enough.
CREATE OR REPLACE FUNCTION ruvector.healing_cron_slots()
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  slots constant integer := ruvector.healing_server_setting('cron.max_running_jobs');
  enough constant text := 'ALTER SYSTEM SET cron.max_running_jobs = 32; and restart the server.';
BEGIN
  IF ruvector.healing_server_setting('cron.use_background_workers') = 'on' AND slots > 0 THEN
    RETURN NULL;
  END IF;
  IF slots < 2 THEN
    RAISE EXCEPTION USING ERRCODE = 'RV009',
      MESSAGE = 'pg_cron may run too few jobs at a time for the loop',
      DETAIL = format('cron.max_running_jobs is %s: with two jobs of the loop pg_cron would stand '
        'still, with all of its jobs.', slots), HINT = enough;
  END IF;
  RETURN format('cron.max_running_jobs is %s, and pg_cron stands still, with all of its jobs, once '
    'as many wait while others run; the loop has up to three: %s', slots, enough)
   WHERE slots < 4;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_cron_slots()
  IS 'What to say of a pg_cron that may run few jobs at a time; RV009 where it would stand still.';

-- Whether row security hides no row of a table from the role: there is none for it, or a policy of
-- it lets it see all, and none takes something away.
CREATE OR REPLACE FUNCTION ruvector.healing_sees_rows(relation regclass)
RETURNS boolean
LANGUAGE sql STABLE
SET row_security = on
AS $function$
  SELECT NOT pg_catalog.row_security_active(relation)
    OR coalesce(bool_or(p.polpermissive AND p.qual = 'true') AND bool_and(p.polpermissive), false)
    FROM (SELECT o.polpermissive, pg_get_expr(o.polqual, o.polrelid) AS qual FROM pg_policy o
           WHERE o.polrelid = relation AND o.polcmd IN ('r', '*')
             AND EXISTS (SELECT FROM unnest(o.polroles) r
                          WHERE CASE WHEN r = 0 THEN true ELSE pg_has_role(r, 'USAGE') END)) p;
$function$;
COMMENT ON FUNCTION ruvector.healing_sees_rows(regclass)
  IS 'Whether row security hides no row of a table from the role.';

-- What the role may see of pg_cron. Dynamic, because it must also install where pg_cron is not
-- there; row_security is on, because healing_call() switches it off and pg_cron shows a role its
-- own jobs by row security.
CREATE OR REPLACE FUNCTION ruvector.healing_cron(after_run bigint, open_runs bigint[])
RETURNS jsonb
LANGUAGE plpgsql
SET row_security = on
AS $function$
DECLARE
  jobs jsonb;
  runs jsonb;
  newest bigint;
BEGIN
  IF to_regclass('cron.job') IS NULL THEN
    RETURN jsonb_build_object('installed', false,
      'elsewhere', ruvector.healing_server_setting('cron.database_name', '(hidden)'));
  END IF;
  IF ruvector.healing_server_setting('cron.log_run') = 'off' THEN
    RETURN jsonb_build_object('installed', true, 'silent', true);
  END IF;
  EXECUTE $jobs$
    SELECT coalesce(jsonb_agg(jsonb_build_object('jobid', j.jobid::text,
      'jobname', left(j.jobname, 1000), 'schedule', j.schedule, 'command', left(j.command, 2000),
             'active', j.active, 'username', j.username) ORDER BY j.jobid), '[]')
      FROM cron.job j
     WHERE j.database = current_database()
       AND coalesce(j.jobname, '') NOT LIKE E'ruvector\\_healing%'$jobs$ INTO jobs;
  EXECUTE 'SELECT max(runid) FROM cron.job_run_details' INTO newest;
  -- By run id, which is indexed; never more than the last 20,000 runs, some 20 ms.
  EXECUTE $runs$
    SELECT coalesce(jsonb_agg(jsonb_build_object('jobid', r.jobid::text, 'runid', r.runid::text,
      'pid', r.job_pid, 'status', r.status, 'message', left(r.return_message, 200),
      'start', extract(epoch FROM r.start_time), 'end', extract(epoch FROM r.end_time))), '[]')
      FROM (SELECT DISTINCT ON (d.jobid) d.* FROM cron.job_run_details d
             WHERE (d.runid > greatest($1, $3 - 20000) OR d.runid = ANY ($2))
               AND d.database = current_database()
             ORDER BY d.jobid, d.runid DESC) r$runs$ INTO runs USING after_run, open_runs, newest;
  RETURN jsonb_build_object('installed', true, 'jobs', jobs, 'runs', runs, 'newest', newest::text,
    'others_hidden', NOT (ruvector.healing_sees_rows('cron.job')
      AND ruvector.healing_sees_rows('cron.job_run_details')));
EXCEPTION WHEN insufficient_privilege THEN
  RETURN jsonb_build_object('installed', true, 'denied', SQLERRM);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_cron(bigint, bigint[])
  IS 'pg_cron''s jobs of this database and their newest runs, as far as the role may see them.';

-- One job as it is now: {found, active, schedule, running, jobname, command}, the last one as a
-- digest: a command may have a password in it.
CREATE OR REPLACE FUNCTION ruvector.healing_cron_job(job bigint)
RETURNS jsonb
LANGUAGE plpgsql
SET row_security = on
AS $function$
DECLARE
  answer jsonb;
BEGIN
  -- Sessions as they are now, not as they were when this transaction first asked: a run may have
  -- begun since.
  PERFORM pg_stat_clear_snapshot();
  EXECUTE $job$
    SELECT jsonb_build_object('found', true, 'active', j.active, 'schedule', j.schedule,
      'jobname', left(j.jobname, 1000), 'command',
      encode(sha256(convert_to(j.command, getdatabaseencoding())), 'hex'), 'running', coalesce((
             SELECT d.status IN ('starting', 'connecting', 'sending', 'running')
                    AND (d.job_pid IS NULL OR EXISTS (SELECT FROM pg_stat_get_activity(d.job_pid)))
               FROM cron.job_run_details d
              WHERE d.jobid = j.jobid AND d.runid > (SELECT max(m.runid) - 20000
                FROM cron.job_run_details m)
              ORDER BY d.runid DESC LIMIT 1), false))
      FROM cron.job j WHERE j.jobid = $1$job$ INTO answer USING job;
  RETURN coalesce(answer, '{"found": false, "active": false, "schedule": null, "running": false}');
END
$function$;
COMMENT ON FUNCTION ruvector.healing_cron_job(bigint)
  IS 'Whether a job of pg_cron is there, active and running.';

-- The job that a pause switched off. Numbers begin anew where pg_cron is made again, and are others
-- where a dump is restored: another job that has the number counts as one that is not there, by its
-- name and its command; of the two one may have been changed meanwhile.
CREATE OR REPLACE FUNCTION ruvector.healing_paused_job(target jsonb)
RETURNS jsonb
LANGUAGE plpgsql
AS $function$
DECLARE
  job constant jsonb := ruvector.healing_cron_job((target ->> 'jobid')::bigint);
BEGIN
  -- Leases of older versions have no command.
  IF job ->> 'command' = target ->> 'command' OR target ->> 'name' = coalesce(job ->> 'jobname',
    CASE WHEN target ->> 'command' IS NULL THEN 'job ' || (target ->> 'jobid') END)
    OR coalesce(target ->> 'command', target ->> 'name') IS NULL THEN
    RETURN job;
  END IF;
  RETURN '{"found": false, "active": false, "schedule": null, "running": false}';
END
$function$;
COMMENT ON FUNCTION ruvector.healing_paused_job(jsonb)
  IS 'The job of pg_cron that a lease of pause_maintenance stands for, as it is now.';

-- A job is changed, or taken out, behind whoever has changed it and not committed yet; a role that
-- may not update cron.job cannot ask with NOWAIT.
CREATE OR REPLACE FUNCTION ruvector.healing_alter_job(job bigint, wanted boolean, new_schedule text)
RETURNS void
LANGUAGE plpgsql
SET row_security = on
AS $function$
BEGIN
  IF ruvector.healing_changed_by_others('cron.job') THEN
    RAISE EXCEPTION USING ERRCODE = '55P03',
      MESSAGE = 'another session is changing pg_cron''s jobs';
  END IF;
  EXECUTE 'SELECT cron.alter_job(job_id := $1, schedule := $2, active := $3)'
    USING job, new_schedule, wanted;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_alter_job(bigint, boolean, text)
  IS 'Switches a job of pg_cron on or off and sets its schedule (NULL: as it is), or fails at '
  'once with 55P03.';
