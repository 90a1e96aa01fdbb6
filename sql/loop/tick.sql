-- The parts of a tick, each one transaction of ruvector_healing_tick(). They are SECURITY DEFINER
-- so that the procedure itself need not be: a SECURITY DEFINER procedure, or one with SET, cannot
-- COMMIT.

-- Of what a tick locks, nothing is waited for by another: an operator may call each part of it and
-- leave that open. Whoever finds the row of healing_ticks locked writes beside it.
CREATE OR REPLACE FUNCTION ruvector.healing_tick_note(what text, error text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  n record;
BEGIN
  PERFORM FROM ruvector.healing_ticks FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    INSERT INTO ruvector.healing_ticks_uncounted (at, what, error)
    SELECT clock_timestamp(), healing_tick_note.what, healing_tick_note.error
      FROM ruvector.healing_ticks;
    RETURN;
  END IF;
  -- Only whoever has the row removes what was written beside it. The last one is the last written,
  -- not the latest: a clock may have been set back.
  WITH beside AS (
    DELETE FROM ruvector.healing_ticks_uncounted RETURNING *
  )
  SELECT count(*) FILTER (WHERE u.what = 'started') AS started,
         (array_agg(u.at ORDER BY u.id DESC) FILTER (WHERE u.what = 'started'))[1] AS started_at,
         (array_agg(u.at ORDER BY u.id DESC) FILTER (WHERE u.what = 'finished'))[1] AS finished_at,
         count(*) FILTER (WHERE u.what = 'failed') AS failed,
         (array_agg(u.at ORDER BY u.id DESC) FILTER (WHERE u.what = 'failed'))[1] AS last_error_at,
         (array_agg(u.error ORDER BY u.id DESC) FILTER (WHERE u.what = 'failed'))[1] AS last_error
    INTO n
    FROM (SELECT * FROM beside UNION ALL
          SELECT 9223372036854775807, clock_timestamp(), healing_tick_note.what,
            healing_tick_note.error) u;
  -- A statement of its own: whoever is cancelled here reads the whole of it in the CONTEXT.
  UPDATE ruvector.healing_ticks t
     SET ticks = t.ticks + n.started,
         started_at = coalesce(n.started_at, t.started_at),
         finished_at = coalesce(n.finished_at, t.finished_at),
         errors = t.errors + n.failed,
         last_error = CASE WHEN n.failed > 0 THEN n.last_error ELSE t.last_error END,
         last_error_at = coalesce(n.last_error_at, t.last_error_at),
         interval_seconds = CASE
           WHEN n.started = 0 THEN t.interval_seconds
           -- Gaps of more than ten minutes are outages, not the rhythm.
           WHEN t.started_at IS NULL OR n.started_at - t.started_at > interval '10 minutes'
             THEN t.interval_seconds
           ELSE coalesce(t.interval_seconds * 0.7, 0)
                + extract(epoch FROM n.started_at - t.started_at) / n.started * CASE
                  WHEN t.interval_seconds IS NULL THEN 1 ELSE 0.3 END
         END;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_tick_note(text, text)
  IS 'Counts that a tick started, finished or failed, also while another session holds the row of '
  'healing_ticks.';

-- What an operator leaves open ends with its session after 5 minutes (PostgreSQL 17 and newer), and
-- so does a tick that hangs where PLJS has run: no signal does. A transaction of a tick takes
-- seconds. Of this transaction alone: a person's session that called a tick which failed must not
-- keep it.
CREATE OR REPLACE FUNCTION ruvector.healing_bounded()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF current_setting('transaction_timeout', true) = '0' THEN
    PERFORM set_config('transaction_timeout', '5min', true);
  END IF;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_bounded()
  IS 'No transaction of a tick lasts longer than 5 minutes.';

CREATE OR REPLACE FUNCTION ruvector.healing_tick_begin()
RETURNS integer[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  before constant timestamptz := (SELECT t.started_at FROM ruvector.healing_ticks t);
BEGIN
  IF pg_is_in_recovery() THEN
    RETURN '{}';
  END IF;
  PERFORM ruvector.healing_writable('tick');
  PERFORM ruvector.healing_bounded();
  -- A restored dump has collections without locks. Whoever finds somebody at it goes on without: a
  -- turn excludes the other, not the beginning of a tick.
  IF ruvector.healing_try_lock('tick') THEN
    PERFORM ruvector.healing_make_locks();
  END IF;
  PERFORM ruvector.healing_tick_note('started');
  PERFORM ruvector.healing_breaker_update();
  PERFORM ruvector.healing_turns_left();
  -- Once a minute: a table changes hands rarely.
  IF date_trunc('minute', before) IS DISTINCT FROM date_trunc('minute', clock_timestamp()) THEN
    PERFORM ruvector.healing_forget_owners_at_once();
  END IF;
  PERFORM ruvector.healing_rest_begin();
  -- Suspects last: what ends this tick ends it behind the others.
  RETURN ARRAY(SELECT c.collection_id
    FROM ruvector.collections c LEFT JOIN ruvector.healing_aside() a USING (collection_id)
                ORDER BY a.collection_id IS NOT NULL, c.collection_id);
END
$function$;

-- Moves one collection on. phase 'batch': at most one batch of the active action; 'observe':
-- sample, then judge the action or decide whether there is one to start. Returns whether the phase
-- wants to be called again. An error ends as a recorded failure of the action and sets the
-- collection aside, and never ends the tick: JavaScript may be what failed, so the recording is
-- plain SQL.
CREATE OR REPLACE FUNCTION ruvector.healing_tick_collection(collection_id integer, phase text,
  slice_elapsed double precision)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $function$
DECLARE
  failure_state text;
  failure_message text;
  failure_detail text;
  culprit bigint;
  turned text;
  name text;
  about text;
  again boolean;
BEGIN
  -- An operator may call this: what is no phase is told, and is no failure of the action.
  IF phase IS NULL OR phase NOT IN ('batch', 'observe') THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = 'phase must be batch or observe',
      DETAIL = format('Got %s.', coalesce(quote_literal(left(phase, 200)), 'NULL')),
      HINT = 'CALL ruvector_healing_tick(); runs both for every collection.';
  END IF;
  PERFORM ruvector.healing_bounded();
  -- Another tick or a person's call is at work on this collection: it needs nothing from here, but
  -- that what is temporary ends when it is due.
  IF NOT ruvector.healing_try_lock('collection', collection_id) THEN
    IF phase = 'batch' AND EXISTS (SELECT FROM ruvector.healing_leases l
      WHERE l.collection_id = healing_tick_collection.collection_id
                                      AND l.ended_at IS NULL AND l.kind = 'paused_job'
                                        AND (l.expires_at <= clock_timestamp()
                                          OR l.granted_at > clock_timestamp())) THEN
      BEGIN
        PERFORM ruvector.healing_call('tick_pauses',
          jsonb_build_object('collection_id', collection_id));
      EXCEPTION WHEN OTHERS OR assert_failure THEN
        RAISE LOG 'ruvector_healing: a pause that is over could not be ended: % %', SQLSTATE,
          ruvector.healing_text(SQLERRM);
      END;
    END IF;
    RETURN false;
  END IF;
  BEGIN
    again := (ruvector.healing_call('tick_' || phase,
                jsonb_build_object('collection_id', collection_id, 'slice_elapsed', slice_elapsed))
                  ->> 'again')::boolean;
    -- What waits for the commit (a deferred foreign key) fails here, where it is an error like
    -- others: at COMMIT it would end the whole tick, unrecorded. Before PostgreSQL 18 triggers fire
    -- with the rights of whoever fires them, which here are the installing role's: what an operator
    -- who called this had waiting of their own does so at their COMMIT.
    IF current_setting('server_version_num')::int >= 180000 OR session_user = current_user THEN
      SET CONSTRAINTS ALL IMMEDIATE;
      SET CONSTRAINTS ruvector.healing_event_committed DEFERRED;
    END IF;
    RETURN again;
  -- A cancel (57014) is not among OTHERS: it undoes the whole turn, and counts as no failure. An
  -- ASSERT of a table's code (P0004) is not either, and is a failure like others.
  EXCEPTION WHEN OTHERS OR assert_failure THEN
    GET STACKED DIAGNOSTICS failure_state = RETURNED_SQLSTATE, failure_message = MESSAGE_TEXT,
      failure_detail = PG_EXCEPTION_DETAIL;
  END;
  failure_message := ruvector.healing_text(failure_message);
  failure_detail := ruvector.healing_text(failure_detail);
  PERFORM ruvector.healing_tick_note('failed',
    format('%s: %s %s', failure_state, failure_message, failure_detail));
  UPDATE ruvector.healing_actions a
     SET failures = a.failures + 1,
         message = format('tick failed with %s: %s', failure_state, failure_message),
         updated_at = clock_timestamp()
   WHERE a.collection_id = healing_tick_collection.collection_id
     AND a.state IN ('planned', 'executing', 'stabilizing', 'rolling_back')
  RETURNING a.id INTO culprit;
  -- Too many failures in a row: what can be undone is undone; an undo that fails for ever ends too,
  -- and says so.
  UPDATE ruvector.healing_actions a
     SET state = CASE WHEN a.state = 'rolling_back' THEN 'rollback_failed' WHEN undo.needed
       THEN 'rolling_back' ELSE 'failed' END,
         finished_at = CASE WHEN a.state = 'rolling_back'
           OR NOT undo.needed THEN clock_timestamp() END,
         rollback_reason = coalesce(a.rollback_reason, a.message),
         rollback_to = coalesce(a.rollback_to, 'failed'),
         failure = coalesce(a.failure, failure_state),
         deadline = clock_timestamp()
           + make_interval(secs => (ruvector.healing_settings(a.collection_id) ->>
           'rollback_timeout_seconds')::double precision),
         failures = 0
    -- What cannot be undone is still cleared up: a job that runs, an index that was left invalid.
    FROM (SELECT u.reversible OR EXISTS (SELECT FROM ruvector.healing_steps s
      WHERE s.action_id = u.id AND s.undone_at IS NULL) AS needed
            FROM ruvector.healing_actions u WHERE u.id = culprit) undo
   WHERE a.id = culprit
     AND a.failures > (ruvector.healing_settings(a.collection_id) ->> 'max_retries')::integer
  RETURNING a.state INTO turned;
  SELECT format('%I.%I', c.schema_name, c.table_name) INTO name
    FROM ruvector.collections c
   WHERE c.collection_id = healing_tick_collection.collection_id;
  about := regexp_replace(concat_ws(', ', name, 'action ' || culprit),
    E'\\s*[\\r\\n]\\s*', ' ', 'g');
  INSERT INTO ruvector.healing_events (collection_id, collection, action_id, kind, message, details)
  VALUES (collection_id, name, culprit, 'tick_failed', failure_message,
          jsonb_build_object('sqlstate', failure_state, 'detail', failure_detail, 'phase', phase));
  RAISE LOG 'ruvector_healing: tick_failed (%): % %', about, failure_state,
    regexp_replace(failure_message, E'\\s*[\\r\\n]\\s*', ' ', 'g');
  IF turned IS NOT NULL THEN
    INSERT INTO ruvector.healing_events (collection_id, collection, action_id, kind, message,
      details)
    VALUES (collection_id, name, culprit, 'action_' || turned,
      format('too many failures in a row; the last one: %s %s', failure_state, failure_message),
            jsonb_build_object('to', turned));
    RAISE LOG 'ruvector_healing: action_% (%): too many failures in a row', turned, about;
    IF turned <> 'rolling_back' THEN
      PERFORM ruvector.healing_record_outcome(culprit, false);
    END IF;
  END IF;
  PERFORM ruvector.healing_set_aside(collection_id, failure_state,
    format('%s: %s', failure_state, failure_message), false);
  PERFORM ruvector.healing_breaker_update();
  RETURN false;
END
$function$;

CREATE OR REPLACE FUNCTION ruvector.healing_tick_end()
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  done bigint := (SELECT n.ticks FROM ruvector.healing_ticks_now() n);
  keep interval := make_interval(days =>
    (ruvector.healing_settings(0) ->> 'history_days')::integer);
  sample_keep interval := make_interval(days =>
    (ruvector.healing_settings(0) ->> 'sample_days')::integer);
BEGIN
  PERFORM ruvector.healing_bounded();
  PERFORM ruvector.healing_tick_note('finished');
  -- Each collection once in 500 ticks (40 minutes at 5 seconds), one or a few in a tick.
  PERFORM ruvector.healing_thin_samples(c.collection_id)
     FROM ruvector.collections c WHERE c.collection_id % 500 = done % 500;
  -- Retention, about once in 500 ticks: cheap because it is rare and by age.
  IF done % 500 <> 0 THEN
    RETURN;
  END IF;
  -- What somebody else holds (a collection whose unregistering has not ended, a request that an
  -- actuator is taking) goes the next time.
  DELETE FROM ruvector.integrity_samples WHERE ctid = ANY (ARRAY(
    SELECT s.ctid FROM ruvector.integrity_samples s
      WHERE s.sampled_at < now() - sample_keep FOR UPDATE SKIP LOCKED));
  PERFORM ruvector.healing_audit_checkpoint(keep);
  DELETE FROM ruvector.healing_actuations WHERE ctid = ANY (ARRAY(
    SELECT r.ctid
      FROM ruvector.healing_actuations r JOIN ruvector.healing_actions a ON a.id = r.action_id
     WHERE a.finished_at < now() - keep FOR UPDATE OF r SKIP LOCKED));
  DELETE FROM ruvector.healing_refusals WHERE ctid = ANY (ARRAY(
    SELECT r.ctid FROM ruvector.healing_refusals r
      WHERE r.last_at < now() - keep FOR UPDATE SKIP LOCKED));
  -- None holds, or counts as in a row, for longer than 30 days.
  DELETE FROM ruvector.healing_suspensions WHERE ctid = ANY (ARRAY(
    SELECT s.ctid FROM ruvector.healing_suspensions s
      WHERE s.suspended_at < clock_timestamp() - greatest(keep, interval '31 days')
      FOR UPDATE SKIP LOCKED));
  DELETE FROM ruvector.healing_forecasts WHERE ctid = ANY (ARRAY(
    SELECT f.ctid FROM ruvector.healing_forecasts f
      WHERE f.closed_at < now() - keep FOR UPDATE SKIP LOCKED));
  UPDATE ruvector.healing_steps SET journal = '[]' WHERE ctid = ANY (ARRAY(
    SELECT s.ctid
      FROM ruvector.healing_steps s JOIN ruvector.healing_actions a ON a.id = s.action_id
     WHERE a.finished_at < now() - keep
       AND s.executed_at < now() - keep
       AND s.journal <> '[]' FOR UPDATE OF s SKIP LOCKED));
  -- A tick every five seconds writes 17,280 rows a day into pg_cron's log.
  IF to_regclass('cron.job_run_details') IS NOT NULL THEN
    EXECUTE $purge$DELETE FROM cron.job_run_details d USING cron.job j
      WHERE j.jobid = d.jobid AND j.jobname = ANY (ruvector.healing_job_names('tick')
          || ruvector.healing_job_names('watch'))
        AND d.end_time < clock_timestamp() - interval '1 day'$purge$;
  END IF;
EXCEPTION WHEN OTHERS THEN
  PERFORM ruvector.healing_tick_note('failed', SQLSTATE || ': ' || SQLERRM);
  PERFORM ruvector.healing_tick_note('finished');
END
$function$;

COMMENT ON FUNCTION ruvector.healing_tick_begin() IS 'Starts a tick: the collections to visit.';
COMMENT ON FUNCTION ruvector.healing_tick_collection(integer, text, double precision)
  IS 'One transaction of a tick for one collection.';
COMMENT ON FUNCTION ruvector.healing_tick_end() IS 'Ends a tick, with retention now and then.';
