-- What pg_cron runs beside the tick (ruvector_healing_schedule): plain SQL on our own tables, so that it hangs on nothing that a tick may hang on.
-- pg_cron starts a job again only when its last run has ended. Where a tick hangs, and no other one came since, the job is taken out and put in again: pg_cron
-- forgets that run (whose session goes on, and holds nothing but its collection) and starts the next one, which serves the others.
CREATE OR REPLACE FUNCTION ruvector.healing_watch()
RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET row_security = on
AS $function$
DECLARE
  hung record;
  job record;
  fresh bigint;
  said text;
  patience constant interval := make_interval(secs => (SELECT greatest(15, 3 * coalesce(k.interval_seconds, 5)) FROM ruvector.healing_ticks k));
BEGIN
  IF pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean OR to_regclass('cron.job') IS NULL THEN
    RETURN 'nothing to look after';
  END IF;
  SELECT format('%I.%I', c.schema_name, c.table_name) AS collection, o.collection_id, o.serving_since, o.serving_pid INTO hung
    FROM ruvector.healing_turns o JOIN ruvector.collections c USING (collection_id) JOIN pg_stat_activity a ON a.pid = o.serving_pid AND a.backend_start = o.backend_start
   WHERE o.serving_since < clock_timestamp() - patience AND a.pid <> pg_backend_pid()
   ORDER BY o.serving_since DESC LIMIT 1;
  IF NOT FOUND THEN
    RETURN 'no tick hangs';
  END IF;
  IF (SELECT k.started_at > clock_timestamp() - patience FROM ruvector.healing_ticks k) THEN
    RETURN 'a tick hangs, and others come';
  END IF;
  EXECUTE 'SELECT jobid, schedule, command FROM cron.job WHERE jobname = $1 AND database = current_database() AND username = current_user AND active' INTO job USING 'ruvector_healing_tick';
  IF job.jobid IS NULL THEN
    RETURN 'a tick hangs, and it is not this role''s job';
  END IF;
  EXECUTE 'SELECT cron.unschedule($1)' USING job.jobid;
  EXECUTE 'SELECT cron.schedule($1, $2, $3)' INTO fresh USING 'ruvector_healing_tick', job.schedule, job.command;
  said := format('the tick that serves %s since %s (pid %s) does not come back: the loop goes on as job %s', hung.collection, ruvector.healing_timestamp(hung.serving_since), hung.serving_pid, fresh);
  INSERT INTO ruvector.healing_events (collection_id, collection, kind, message, details)
  VALUES (hung.collection_id, hung.collection, 'tick_hangs', said, jsonb_build_object('pid', hung.serving_pid, 'jobid', fresh, 'before', job.jobid));
  RAISE WARNING 'ruvector_healing: tick_hangs (%): %', regexp_replace(hung.collection, '\s*[\r\n]\s*', ' ', 'g'), regexp_replace(said, '\s*[\r\n]\s*', ' ', 'g');
  RETURN said;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_watch() IS 'Starts the loop''s job of pg_cron anew where its tick hangs.';
