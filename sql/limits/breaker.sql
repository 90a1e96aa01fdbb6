-- The circuit breaker over the whole loop. Plain SQL, because what fails may be JavaScript itself;
-- and every step of it can be taken again from what is in the tables, so that nobody ever waits for
-- its row: who finds it locked leaves the step to the next tick.

-- Whether how an action ended says that acting endangers the server: its undo is not finished,
-- lambda was lower after it than abort_ratio allows, or the server had no room (class 53), its disk
-- failed (58), data was found broken (XX001, XX002). An action that did not help, was too slow or
-- met another error was undone and harmed nobody: its strategy is suspended instead
-- (sql/limits/suspensions.sql).
CREATE OR REPLACE FUNCTION ruvector.healing_endangers(state text, failure text)
RETURNS boolean
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT state = 'rollback_failed'
         OR (state IN ('failed', 'rolled_back')
           AND coalesce(failure = 'worsened' OR failure ~ '^(53|58)[0-9A-Z]{3}$'
           OR failure IN ('XX001', 'XX002'), false));
$function$;
COMMENT ON FUNCTION ruvector.healing_endangers(text, text)
  IS 'Whether an action that ended so counts for the circuit breaker.';

-- Those that did within the time that counts. What a person ran by ruvector_healing_execute is
-- theirs to judge, and what a person undid or aborted is no failure.
CREATE OR REPLACE FUNCTION ruvector.healing_failures_by(settings jsonb)
RETURNS TABLE (failures integer, collections integer, last_message text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  span constant interval := make_interval(secs =>
    (settings ->> 'breaker_window_seconds')::float8);
  -- What lies ahead by more than that is of a clock that was set back since: it would count until
  -- the old time comes again, and open the breaker anew whenever it was closed.
  ahead constant timestamptz := clock_timestamp() + span;
  since constant timestamptz := greatest(clock_timestamp() - span,
    (SELECT b.closed_at FROM ruvector.healing_breaker b WHERE b.closed_at < ahead));
BEGIN
  RETURN QUERY SELECT count(*)::int, count(DISTINCT a.collection_id)::int,
         (array_agg(format('action %s (%s on %s): %s', a.id, a.strategy_name, a.collection,
           left(a.message, 200)) ORDER BY a.finished_at DESC))[1]
    FROM ruvector.healing_actions a
   WHERE a.origin <> 'execute' AND a.finished_at > since AND a.finished_at < ahead
     AND ruvector.healing_endangers(a.state, a.failure);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_failures_by(jsonb)
  IS 'The same where the settings of all are known.';

CREATE OR REPLACE FUNCTION ruvector.healing_failures()
RETURNS TABLE (failures integer, collections integer, last_message text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT f.* FROM ruvector.healing_failures_by(ruvector.healing_settings(0)) f;
$function$;
COMMENT ON FUNCTION ruvector.healing_failures()
  IS 'What the circuit breaker counts: actions that endangered the server within '
  'breaker_window_seconds.';

-- The step that is due, as the row would be after it; no row: none is.
CREATE OR REPLACE FUNCTION ruvector.healing_breaker_step(b ruvector.healing_breaker)
RETURNS SETOF ruvector.healing_breaker
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  settings jsonb := ruvector.healing_settings(0);
  seconds double precision := (settings ->> 'breaker_open_seconds')::float8;
  found_failures record;
  probe record;
  opening boolean := false;
BEGIN
  IF b.state = 'closed' THEN
    SELECT * INTO found_failures FROM ruvector.healing_failures();
    IF found_failures.failures >= (settings ->> 'breaker_failures')::int THEN
      opening := true;
      b.reason := format('%s action%s on %s collection%s endangered the server within %s s; '
        'the last: %s',
        found_failures.failures, CASE found_failures.failures WHEN 1 THEN '' ELSE 's' END,
        found_failures.collections, CASE found_failures.collections WHEN 1 THEN '' ELSE 's' END,
        settings ->> 'breaker_window_seconds', found_failures.last_message);
    END IF;
  ELSIF b.state = 'open' THEN
    -- The clock was set back: it is not open for the hours of the jump longer.
    IF b.opened_at > clock_timestamp() THEN
      b.open_until := b.open_until - (b.opened_at - clock_timestamp());
      b.opened_at := clock_timestamp();
      RETURN NEXT b;
    ELSIF clock_timestamp() >= b.open_until THEN
      b.state := 'half_open';
      b.half_open_at := clock_timestamp();
      b.probe_action_id := NULL;
      RETURN NEXT b;
    END IF;
    RETURN;
  ELSIF b.half_open_at > clock_timestamp() THEN
    b.half_open_at := clock_timestamp();
    RETURN NEXT b;
    RETURN;
  ELSIF b.probe_action_id IS NOT NULL THEN
    SELECT a.state, a.failure, a.message, a.finished_at INTO probe FROM ruvector.healing_actions a
      WHERE a.id = b.probe_action_id;
    IF probe.state = 'succeeded' THEN
      b.state := 'closed';
      b.close_reason := format('action %s was let through and verified', b.probe_action_id);
    ELSIF ruvector.healing_endangers(probe.state, probe.failure) THEN
      opening := true;
      b.reason := format('action %s, let through to see, ended as %s: %s', b.probe_action_id,
        probe.state, left(probe.message, 200));
    ELSIF probe.state IS NULL OR probe.finished_at IS NOT NULL THEN
      -- A person ended it, nobody approved it, or it did not help and harmed nobody: it says
      -- nothing, and the next one may try.
      b.probe_action_id := NULL;
      RETURN NEXT b;
      RETURN;
    END IF;
  ELSIF NOT EXISTS (SELECT FROM ruvector.collections c LEFT JOIN ruvector.integrity_state s
    USING (collection_id)
                     WHERE (s.state = 0 AND s.sampled_at > b.half_open_at) IS NOT TRUE) THEN
    b.state := 'closed';
    b.close_reason := 'its time is over and every collection was sampled as normal';
  END IF;
  IF opening THEN
    b.state := 'open';
    b.opened_at := clock_timestamp();
    b.opens := b.opens + 1;
    b.open_until := clock_timestamp() + make_interval(secs => least(86400,
      seconds * 2 ^ least(b.opens - 1, 20)));
    b.half_open_at := NULL;
    b.probe_action_id := NULL;
    RETURN NEXT b;
  ELSIF b.state = 'closed' AND b.close_reason IS NOT NULL AND b.opens > 0 THEN
    b.closed_at := clock_timestamp();
    b.closed_by := 'the loop';
    b.opens := 0;
    b.half_open_at := NULL;
    b.open_until := NULL;
    b.probe_action_id := NULL;
    RETURN NEXT b;
  END IF;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_breaker_step(ruvector.healing_breaker)
  IS 'The next state of the circuit breaker, where one is due.';

-- Keeps a step and says so: an event, and a line in the server's log that nobody overlooks.
CREATE OR REPLACE FUNCTION ruvector.healing_breaker_keep(before ruvector.healing_breaker,
  b ruvector.healing_breaker)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  said text;
BEGIN
  UPDATE ruvector.healing_breaker
     SET state = b.state, opened_at = b.opened_at, reason = b.reason, open_until = b.open_until,
       opens = b.opens, half_open_at = b.half_open_at,
         probe_action_id = b.probe_action_id, closed_at = b.closed_at, closed_by = b.closed_by,
           close_reason = b.close_reason, updated_at = clock_timestamp();
  -- Closed by a person while it was closed: what failed so far does not count any more, which is a
  -- change too.
  IF b.state = before.state AND NOT (b.state = 'closed' AND b.closed_at
    IS DISTINCT FROM before.closed_at) THEN
    RETURN;
  END IF;
  said := CASE b.state
    WHEN 'open'
      THEN format('the circuit breaker is open: %s. No action is started before %s; SELECT '
      'ruvector_healing_breaker_close(''<why>''); closes it by hand.',
                            b.reason, ruvector.healing_timestamp(b.open_until))
    WHEN 'half_open' THEN 'the circuit breaker is half open: one action is let through to see'
    ELSE format(CASE before.state WHEN 'closed'
      THEN 'the circuit breaker, which was closed, begins to count anew, by %s: %s'
                                  ELSE 'the circuit breaker is closed by %s: %s' END, b.closed_by,
                                    b.close_reason) END;
  INSERT INTO ruvector.healing_events (kind, action_id, message, details)
  VALUES ('breaker_' || b.state, coalesce(b.probe_action_id, before.probe_action_id), said,
    to_jsonb(b) - 'one');
  IF b.state = 'open' THEN
    RAISE WARNING 'ruvector_healing: %', said;
  ELSE
    RAISE LOG 'ruvector_healing: %', said;
  END IF;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_breaker_keep(ruvector.healing_breaker,
  ruvector.healing_breaker)
  IS 'Writes a step of the circuit breaker, with its event and log line.';

-- Takes the step that is due. Called at each tick, before each decision and when an action ends.
CREATE OR REPLACE FUNCTION ruvector.healing_breaker_update()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  now_ ruvector.healing_breaker;
  next_ ruvector.healing_breaker;
BEGIN
  SELECT * INTO now_ FROM ruvector.healing_breaker;
  -- Nothing due: no lock is taken, and no row is written.
  IF NOT EXISTS (SELECT FROM ruvector.healing_breaker_step(now_)) THEN
    RETURN;
  END IF;
  SELECT * INTO now_ FROM ruvector.healing_breaker FOR UPDATE SKIP LOCKED;
  IF FOUND THEN
    SELECT * INTO next_ FROM ruvector.healing_breaker_step(now_);
    IF FOUND THEN
      PERFORM ruvector.healing_breaker_keep(now_, next_);
    END IF;
  END IF;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_breaker_update()
  IS 'Moves the circuit breaker on where that is due; never waits.';

-- The one place for an action in a half open breaker: true when it is the caller's until its
-- transaction ends.
CREATE OR REPLACE FUNCTION ruvector.healing_breaker_probe()
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  PERFORM FROM ruvector.healing_breaker WHERE state = 'half_open'
    AND probe_action_id IS NULL FOR UPDATE SKIP LOCKED;
  RETURN FOUND;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_breaker_probe()
  IS 'Whether the caller may start the one action that a half open breaker lets through.';

-- How long a session counts that is starting an action.
CREATE OR REPLACE FUNCTION ruvector.healing_start_patience()
RETURNS interval
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT interval '1 minute';
$function$;
COMMENT ON FUNCTION ruvector.healing_start_patience()
  IS 'After how long a session that is starting an action holds up its own collection only.';

-- Slots: how many other sessions are starting an action at this moment, in transactions that have
-- not ended. The caller becomes one of them until its own transaction ends. Locks are counted
-- before actions are (in a later statement): a session that commits in between is seen as an action
-- then, because a commit is visible before its locks go. Starting one takes seconds: a session that
-- is not done after a minute is left open by somebody, and may hold up its own collection, not
-- everybody's.
CREATE OR REPLACE FUNCTION ruvector.healing_claim_slot(collection_id integer)
RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  LOCK TABLE ruvector.healing_starting IN ROW SHARE MODE;
  -- A session that works on several collections in one transaction may start an action on each.
  RETURN (SELECT coalesce(sum(greatest(1, (SELECT count(*)
    FROM ruvector.healing_lock_holders('collection') h WHERE h.pid = k.pid))), 0)::int
            FROM pg_locks k
           WHERE k.relation = 'ruvector.healing_starting'::regclass AND k.mode = 'RowShareLock'
             AND k.granted AND k.pid <> pg_backend_pid()
             AND k.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
             AND NOT EXISTS (SELECT FROM pg_stat_get_activity(k.pid) s
               WHERE s.xact_start < clock_timestamp() - ruvector.healing_start_patience()));
END
$function$;
COMMENT ON FUNCTION ruvector.healing_claim_slot(integer)
  IS 'Other sessions that are starting an action now; the caller counts as one until its '
  'transaction ends.';
