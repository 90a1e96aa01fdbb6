-- Jobs of pg_cron that a pause switched off, and whose time was over three intervals ago (15 s at
-- least): where no tick came to end the pause, this does, so that nobody's nightly job stays off
-- because the loop died. As src/strategies/pause-maintenance/jobs.ts does it: what somebody
-- changed meanwhile is theirs.
CREATE OR REPLACE FUNCTION ruvector.healing_end_pauses(patience interval)
RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET row_security = on
AS $function$
DECLARE
  lease record;
  job jsonb;
  never constant text := '0 0 31 2 *';
  done integer := 0;
BEGIN
  FOR lease IN SELECT l.id, l.action_id, l.collection_id, (l.target ->> 'jobid')::bigint AS jobid,
    l.previous ->> 'schedule' AS schedule, l.target, l.previous
                 FROM ruvector.healing_leases l WHERE l.kind = 'paused_job' AND l.ended_at IS NULL
                   AND (l.expires_at < clock_timestamp() - patience
                     OR l.granted_at > clock_timestamp()) ORDER BY l.id
                  FOR UPDATE SKIP LOCKED LOOP
    BEGIN
      job := ruvector.healing_paused_job(lease.target);
      IF (job ->> 'found')::boolean
        AND (NOT (job ->> 'active')::boolean OR job ->> 'schedule' = never) THEN
        -- Off and with that schedule: somebody switched it off while its run was waited for.
        PERFORM ruvector.healing_alter_job(lease.jobid,
          CASE WHEN job ->> 'schedule' <> never THEN true END,
          CASE WHEN job ->> 'schedule' = never THEN lease.schedule END);
      END IF;
      UPDATE ruvector.healing_leases SET ended_at = clock_timestamp(),
        end_reason = 'its time is over, and no tick came' WHERE id = lease.id AND ended_at IS NULL;
      INSERT INTO ruvector.healing_events (collection_id, collection, action_id, kind, message,
        details)
      SELECT c.collection_id, format('%I.%I', c.schema_name, c.table_name), lease.action_id,
        'lease_ended', 'paused_job of pause_maintenance ended: its time is over, and no tick came',
        jsonb_build_object('target', lease.target, 'previous', lease.previous)
        FROM ruvector.collections c WHERE c.collection_id = lease.collection_id;
      done := done + 1;
    EXCEPTION WHEN lock_not_available OR insufficient_privilege THEN
      -- The next run tries again.
      RAISE WARNING 'ruvector_healing: job % of pg_cron is still paused: %', lease.jobid, SQLERRM;
    END;
  END LOOP;
  RETURN done;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_end_pauses(interval)
  IS 'Ends pauses of pg_cron''s jobs whose time is over, where no tick came to do it.';

-- A pause has to end also where no tick comes any more, so somebody looks after it from the moment
-- it begins: also of a loop that another timer than pg_cron runs.
CREATE OR REPLACE FUNCTION ruvector.healing_keep_watch()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET row_security = on
AS $function$
DECLARE
  there boolean;
BEGIN
  EXECUTE 'SELECT EXISTS (SELECT FROM cron.job WHERE jobname = ANY ($1) AND database = '
    'current_database() AND username = current_user AND active)' INTO there
    USING ruvector.healing_job_names('watch');
  IF NOT there THEN
    IF ruvector.healing_changed_by_others('cron.job') THEN
      RAISE EXCEPTION USING ERRCODE = '55P03',
        MESSAGE = 'another session is changing pg_cron''s jobs';
    END IF;
    PERFORM ruvector.healing_put_job('watch', '* * * * *');
  END IF;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_keep_watch()
  IS 'Schedules what ends a pause of pg_cron''s jobs where no tick does.';

-- What pg_cron runs beside the tick (ruvector_healing_schedule): plain SQL on our own tables, so
-- that it hangs on nothing that a tick may hang on. pg_cron starts a job again only when its last
-- run has ended. Where a tick hangs, and no other one came since, the job is taken out and put in
-- again: pg_cron forgets that run (whose session goes on, and holds nothing but its collection) and
-- starts the next one, which serves the others. Hung is a turn that has not come on since it was
-- last looked at: each statement of a tick takes a number of ruvector.healing_pulse. A single
-- statement may be slow without being hung, and nothing shows it: each time that a collection has
-- been taken for hung it is waited for twice as long, up to an hour, so that its turn comes to an
-- end.
CREATE OR REPLACE FUNCTION ruvector.healing_watch()
RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
SET row_security = on
AS $function$
DECLARE
  hung record;
  job record;
  fresh bigint;
  said text;
  came constant bigint := (SELECT last_value FROM ruvector.healing_pulse);
  patience constant double precision :=
    coalesce((SELECT greatest(15, 3 * ruvector.healing_tick_interval(k.interval_seconds))
    FROM ruvector.healing_ticks k), 15);
BEGIN
  IF pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean
    OR to_regclass('cron.job') IS NULL THEN
    RETURN 'nothing to look after';
  END IF;
  PERFORM ruvector.healing_end_pauses(make_interval(secs => patience));
  -- Here for a pause alone: no more.
  EXECUTE 'SELECT cron.unschedule(w.jobid) FROM cron.job w
            WHERE w.jobname = ANY ($2) AND w.database = current_database()
              AND w.username = current_user
              AND NOT ruvector.healing_changed_by_others(''cron.job'')
              AND NOT EXISTS (SELECT FROM cron.job t
                               WHERE (t.jobname = ANY ($1) OR t.command = $4)
                                 AND t.database = current_database())
              AND NOT EXISTS (SELECT FROM ruvector.healing_leases l
                               WHERE l.kind = $3 AND l.ended_at IS NULL)'
    USING ruvector.healing_job_names('tick'), ruvector.healing_job_names('watch'), 'paused_job',
      ruvector.healing_job_command('tick');
  SELECT format('%I.%I', c.schema_name, c.table_name) AS collection, o.collection_id,
         o.serving_since, o.serving_pid, o.pulse IS DISTINCT FROM came AS comes_on,
         o.pulse_at < clock_timestamp()
           - make_interval(secs => least(3600, patience * 2 ^ least(o.stalls, 8))) AS over
    INTO hung
    FROM ruvector.healing_turns o JOIN ruvector.collections c USING (collection_id)
      JOIN pg_stat_activity a ON a.pid = o.serving_pid AND a.backend_start = o.backend_start
   WHERE o.serving_since < clock_timestamp() - interval '5 seconds' AND a.pid <> pg_backend_pid()
   ORDER BY o.serving_since DESC LIMIT 1 FOR UPDATE OF o SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN 'no tick hangs';
  END IF;
  IF hung.comes_on THEN
    UPDATE ruvector.healing_turns o SET pulse = came, pulse_at = clock_timestamp()
      WHERE o.collection_id = hung.collection_id;
    RETURN 'a turn is slow and comes on';
  END IF;
  IF hung.over IS NOT TRUE THEN
    RETURN 'a turn is waited for';
  END IF;
  IF (SELECT k.started_at
    FROM ruvector.healing_ticks_now() k) > clock_timestamp() - make_interval(secs => patience)
     OR EXISTS (SELECT FROM ruvector.healing_turns o
       WHERE o.served_at > greatest(hung.serving_since,
       clock_timestamp() - make_interval(secs => patience))) THEN
    RETURN 'a tick hangs, and others come';
  END IF;
  EXECUTE 'SELECT jobid, jobname, schedule, command FROM cron.job WHERE (jobname = ANY ($1) OR '
    'command = $2) AND database = current_database() AND username = current_user AND active'
    INTO job USING ruvector.healing_job_names('tick'), ruvector.healing_job_command('tick');
  IF job.jobid IS NULL THEN
    RETURN 'a tick hangs, and it is not this role''s job';
  END IF;
  -- Nobody would look after the loop while this one waits.
  IF ruvector.healing_changed_by_others('cron.job') THEN
    RETURN 'a tick hangs, and another session is changing pg_cron''s jobs';
  END IF;
  EXECUTE 'SELECT cron.unschedule($1)' USING job.jobid;
  EXECUTE 'SELECT cron.schedule($1, $2, $3)' INTO fresh USING job.jobname, job.schedule,
    job.command;
  said := format('the tick that serves %s since %s (pid %s) does not come back: the loop goes '
    'on as job %s', hung.collection, ruvector.healing_timestamp(hung.serving_since),
    hung.serving_pid, fresh);
  INSERT INTO ruvector.healing_events (collection_id, collection, kind, message, details)
  VALUES (hung.collection_id, hung.collection, 'tick_hangs', said,
    jsonb_build_object('pid', hung.serving_pid, 'jobid', fresh, 'before', job.jobid));
  RAISE WARNING 'ruvector_healing: tick_hangs (%): %',
    regexp_replace(hung.collection, E'\\s*[\\r\\n]\\s*', ' ', 'g'),
    regexp_replace(said, E'\\s*[\\r\\n]\\s*', ' ', 'g');
  RETURN said;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_watch()
  IS 'Starts the loop''s job of pg_cron anew where its tick hangs.';
