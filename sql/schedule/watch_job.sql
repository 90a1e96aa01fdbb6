-- A loop that an older version scheduled has nobody who looks after it. An upgrade never fails for
-- it.
DO $watch$
DECLARE
  loop_schedule pg_catalog.text;
BEGIN
  IF pg_catalog.to_regclass('cron.job') IS NULL THEN
    RETURN;
  END IF;
  EXECUTE $job$
    SELECT j.schedule FROM cron.job j
     WHERE j.jobname = 'ruvector_healing_tick' AND j.database = pg_catalog.current_database()
       AND j.username = current_user
       AND NOT EXISTS (SELECT FROM cron.job w WHERE w.jobname = 'ruvector_healing_watch'
         AND w.database = j.database AND w.username = j.username)$job$ INTO loop_schedule;
  IF loop_schedule IS NOT NULL THEN
    PERFORM ruvector.healing_schedule_watch(loop_schedule);
  END IF;
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'ruvector_healing: nothing looks after a tick that hangs yet (% %): SELECT '
    'ruvector_healing_schedule(); schedules both jobs', SQLSTATE, SQLERRM;
END
$watch$;
