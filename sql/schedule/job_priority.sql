CREATE OR REPLACE FUNCTION public.ruvector_healing_job_priority(jobname text, priority text)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  before text;
BEGIN
  PERFORM ruvector.healing_writable('job_priority');
  IF ruvector_healing_job_priority.jobname IS NULL OR ruvector_healing_job_priority.jobname = ''
    THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = 'jobname must not be null or empty',
      DETAIL = 'A job without a name is called by its number: job 7.',
      HINT = 'SELECT jobid, jobname FROM cron.job;';
  END IF;
  IF length(ruvector_healing_job_priority.jobname) > 1000 THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = 'jobname has more than 1000 characters',
      DETAIL = format('Got %s characters.', length(ruvector_healing_job_priority.jobname)),
      HINT = 'SELECT jobid, jobname FROM cron.job;';
  END IF;
  SELECT p.priority INTO before FROM ruvector.healing_job_priorities p
    WHERE p.jobname = ruvector_healing_job_priority.jobname FOR UPDATE;
  IF ruvector_healing_job_priority.priority NOT IN ('low', 'normal', 'high') THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = 'priority must be low, normal or high',
      DETAIL = format('Got "%s".', left(priority, 100)),
      HINT = 'high is never paused; NULL takes a job back to normal.';
  END IF;
  IF ruvector_healing_job_priority.priority IS NULL THEN
    DELETE FROM ruvector.healing_job_priorities p
      WHERE p.jobname = ruvector_healing_job_priority.jobname;
  ELSE
    INSERT INTO ruvector.healing_job_priorities AS p (jobname, priority)
    VALUES (ruvector_healing_job_priority.jobname, ruvector_healing_job_priority.priority)
    ON CONFLICT ON CONSTRAINT healing_job_priorities_pkey
    DO UPDATE SET priority = excluded.priority, updated_at = clock_timestamp(),
      updated_by = session_user;
  END IF;
  IF before IS DISTINCT FROM ruvector_healing_job_priority.priority THEN
    INSERT INTO ruvector.healing_events (kind, message, details)
    VALUES ('job_priority',
      format('The priority of job %s is %s.', left(ruvector_healing_job_priority.jobname, 200),
      coalesce(ruvector_healing_job_priority.priority, 'normal')),
            jsonb_build_object('jobname', ruvector_healing_job_priority.jobname,
              'before', coalesce(before, 'normal'),
              'priority', coalesce(ruvector_healing_job_priority.priority, 'normal')));
  END IF;
  RETURN jsonb_build_object('jobname', ruvector_healing_job_priority.jobname,
    'priority', coalesce(ruvector_healing_job_priority.priority, 'normal'));
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_job_priority(text, text)
  IS 'Says which pg_cron jobs pause_maintenance may pause: low, normal (the default), or high '
  '(never): SELECT ruvector_healing_job_priority(''nightly_report'', ''high'');';
