-- Jobs that an older version scheduled get the name and the command that they have now, and
-- somebody who looks after them; when they run, and whether they are switched on, stays. An upgrade
-- never fails for it.
DO $jobs$
DECLARE
  one record;
  job pg_catalog.int8;
BEGIN
  IF pg_catalog.to_regclass('cron.job') IS NULL THEN
    RETURN;
  END IF;
  FOR one IN EXECUTE $old$
    SELECT k.kind, j.schedule, j.active FROM pg_catalog.unnest(ARRAY['tick', 'watch']) k (kind)
      JOIN cron.job j ON j.jobname = ANY (ruvector.healing_job_names(k.kind))
       AND j.database = pg_catalog.current_database() AND j.username = current_user
     WHERE j.jobname <> ruvector.healing_job_name(k.kind)
       OR j.command IN ('CALL ruvector_healing_tick()', 'CALL ruvector.healing_tick()',
         'SELECT ruvector.healing_watch()')$old$
  LOOP
    job := ruvector.healing_put_job(one.kind, one.schedule);
    IF NOT one.active THEN
      EXECUTE 'SELECT cron.alter_job($1, active := false)' USING job;
    END IF;
  END LOOP;
  EXECUTE $loop$
    SELECT j.schedule FROM cron.job j
     WHERE j.jobname = ruvector.healing_job_name('tick')
       AND j.database = pg_catalog.current_database() AND j.username = current_user
       AND NOT EXISTS (SELECT FROM cron.job w WHERE w.jobname = ruvector.healing_job_name('watch')
         AND w.database = j.database AND w.username = j.username)$loop$ INTO one;
  IF one.schedule IS NOT NULL THEN
    PERFORM ruvector.healing_schedule_watch(one.schedule);
  END IF;
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'ruvector_healing: pg_cron''s jobs are as they were, and nothing looks after a '
    'tick that hangs (% %): SELECT ruvector_healing_schedule(); schedules both '
    'jobs', SQLSTATE, SQLERRM;
END
$jobs$;
