-- What the role may see of pg_cron. Dynamic, because it must also install where pg_cron is not there; row_security is
-- on, because healing_call() switches it off and pg_cron shows a role its own jobs by row security.
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
    RETURN jsonb_build_object('installed', false, 'elsewhere', current_setting('cron.database_name', true));
  END IF;
  EXECUTE $jobs$
    SELECT coalesce(jsonb_agg(jsonb_build_object('jobid', j.jobid::text, 'jobname', j.jobname, 'schedule', j.schedule, 'command', j.command,
             'active', j.active, 'username', j.username) ORDER BY j.jobid), '[]')
      FROM cron.job j
     WHERE j.database = current_database() AND coalesce(j.jobname, '') NOT LIKE 'ruvector\_healing%'$jobs$ INTO jobs;
  EXECUTE 'SELECT max(runid) FROM cron.job_run_details' INTO newest;
  -- By run id, which is indexed; never more than the last 20,000 runs, some 20 ms.
  EXECUTE $runs$
    SELECT coalesce(jsonb_agg(jsonb_build_object('jobid', r.jobid::text, 'runid', r.runid::text, 'pid', r.job_pid, 'status', r.status,
             'message', left(r.return_message, 200), 'start', extract(epoch FROM r.start_time), 'end', extract(epoch FROM r.end_time))), '[]')
      FROM (SELECT DISTINCT ON (d.jobid) d.* FROM cron.job_run_details d
             WHERE (d.runid > greatest($1, $3 - 20000) OR d.runid = ANY ($2)) AND d.database = current_database()
             ORDER BY d.jobid, d.runid DESC) r$runs$ INTO runs USING after_run, open_runs, newest;
  RETURN jsonb_build_object('installed', true, 'jobs', jobs, 'runs', runs, 'newest', newest::text,
                            'others_hidden', NOT (SELECT r.rolsuper OR r.rolbypassrls FROM pg_roles r WHERE r.rolname = current_user));
EXCEPTION WHEN insufficient_privilege THEN
  RETURN jsonb_build_object('installed', true, 'denied', SQLERRM);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_cron(bigint, bigint[]) IS 'pg_cron''s jobs of this database and their newest runs, as far as the role may see them.';
