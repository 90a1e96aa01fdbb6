-- How long a turn may be at it before other ticks ask what has become of it.
CREATE OR REPLACE FUNCTION ruvector.healing_turn_patience()
RETURNS interval
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT make_interval(secs => (
    SELECT greatest(10, 2 * ruvector.healing_tick_interval(k.interval_seconds))
    FROM ruvector.healing_ticks k));
$function$;
COMMENT ON FUNCTION ruvector.healing_turn_patience()
  IS 'After how long a turn that has not ended is looked into: two intervals, 10 s at least.';

-- Looks for turns that never ended. A tick that ended with its server is nobody's fault; one that
-- was canceled in this very session neither.
CREATE OR REPLACE FUNCTION ruvector.healing_turns_left()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  t record;
  patience constant interval := ruvector.healing_turn_patience();
BEGIN
  FOR t IN
    SELECT o.collection_id, o.serving_since, o.serving_pid, o.last_at >= o.serving_since AS counted,
      o.serving_pid = pg_backend_pid() AS own,
           o.serving_since < pg_postmaster_start_time() AS restarted,
           -- Who may not see that session is not told when it began.
           EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = o.serving_pid
             AND coalesce(a.backend_start = o.backend_start, true)) AS alive
      FROM ruvector.healing_turns o WHERE o.serving_since IS NOT NULL
       FOR UPDATE OF o SKIP LOCKED
  LOOP
    IF t.alive AND NOT t.own THEN
      IF t.serving_since >= clock_timestamp() - patience THEN
        CONTINUE;
      END IF;
      -- Nobody is at it: somebody began a turn by hand and does nothing.
      IF ruvector.healing_try_lock('collection', t.collection_id) THEN
        UPDATE ruvector.healing_turns o SET serving_since = NULL
          WHERE o.collection_id = t.collection_id;
      ELSIF NOT coalesce(t.counted, false) THEN
        PERFORM ruvector.healing_set_aside(t.collection_id, NULL,
          format('the tick that serves it since %s does not come back: SELECT * FROM '
            'pg_stat_activity WHERE pid = %s;', ruvector.healing_timestamp(t.serving_since),
            t.serving_pid), true);
      END IF;
      CONTINUE;
    END IF;
    IF t.own AND t.alive THEN
      UPDATE ruvector.healing_turns o SET since = coalesce(o.since, clock_timestamp()),
        reason = coalesce(o.reason, 'the tick was canceled while it served it')
       WHERE o.collection_id = t.collection_id;
    ELSIF NOT t.restarted THEN
      PERFORM ruvector.healing_set_aside(t.collection_id, NULL,
        format('the session of the tick that served it from %s on (pid %s) ended in the middle; '
          'the log of the server says how', ruvector.healing_timestamp(t.serving_since),
          t.serving_pid), true);
    END IF;
    UPDATE ruvector.healing_turns o SET serving_since = NULL
      WHERE o.collection_id = t.collection_id;
  END LOOP;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_turns_left()
  IS 'Sets aside the collections whose tick died or hangs.';

-- A collection's turn begins; committed before anything of it is touched. false: it is passed over,
-- or another tick is at it. What says that another one is at it can be an operator's call that
-- never goes on: a row that is locked keeps nobody off, and a mark only for as long as a turn that
-- hangs is waited for. Nobody is at a collection whose lock is free.
CREATE OR REPLACE FUNCTION ruvector.healing_turn_begin(collection_id integer)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  t ruvector.healing_turns;
BEGIN
  PERFORM ruvector.healing_bounded();
  SELECT * INTO t FROM ruvector.healing_turns o
    WHERE o.collection_id = healing_turn_begin.collection_id FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    -- Its first turn, unless it is unregistered meanwhile or another tick is just at it.
    INSERT INTO ruvector.healing_turns AS o (collection_id)
    SELECT c.collection_id FROM ruvector.collections c
      WHERE c.collection_id = healing_turn_begin.collection_id
       AND NOT EXISTS (SELECT FROM ruvector.healing_turns k WHERE k.collection_id = c.collection_id)
       FOR KEY SHARE OF c SKIP LOCKED
        ON CONFLICT DO NOTHING RETURNING o.* INTO t;
    IF t.collection_id IS NULL THEN
      RETURN EXISTS (SELECT FROM ruvector.healing_turns o
        WHERE o.collection_id = healing_turn_begin.collection_id AND o.serving_since IS NULL)
        AND NOT EXISTS (
          SELECT FROM ruvector.healing_aside(ARRAY[healing_turn_begin.collection_id]) a
           WHERE a.passed_over);
    END IF;
  END IF;
  IF EXISTS (SELECT FROM ruvector.healing_aside(ARRAY[t.collection_id]) a WHERE a.passed_over)
     OR (t.serving_since IS NOT NULL
       AND (t.serving_since > clock_timestamp() - ruvector.healing_turn_patience()
       OR NOT ruvector.healing_try_lock('collection', t.collection_id))) THEN
    RETURN false;
  END IF;
  UPDATE ruvector.healing_turns o
     SET serving_since = clock_timestamp(), pulse = NULL, pulse_at = NULL,
       serving_pid = pg_backend_pid(), backend_start = (SELECT a.backend_start
       FROM pg_stat_get_activity(pg_backend_pid()) a)
   WHERE o.collection_id = t.collection_id;
  RETURN true;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_turn_begin(integer)
  IS 'Begins a collection''s turn in a tick.';

-- Its turn ends, in the transaction of its last phase. One that went well ends the setting aside;
-- one that took long is set aside for as long as it took, so that half of the time is the others'.
CREATE OR REPLACE FUNCTION ruvector.healing_turn_end(collection_id integer,
  seconds double precision)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
AS $function$
DECLARE
  t ruvector.healing_turns;
  name text;
  slow constant boolean := seconds > 30;
BEGIN
  PERFORM ruvector.healing_bounded();
  -- Whoever is just looking (another tick, ruvector.healing_watch) is away in a moment.
  FOR try IN 1 .. 50 LOOP
    SELECT * INTO t FROM ruvector.healing_turns o
      WHERE o.collection_id = healing_turn_end.collection_id FOR UPDATE SKIP LOCKED;
    EXIT WHEN FOUND OR NOT EXISTS (SELECT FROM ruvector.healing_turns o
      WHERE o.collection_id = healing_turn_end.collection_id AND o.serving_pid = pg_backend_pid());
    PERFORM pg_sleep(0.01);
  END LOOP;
  -- Unregistered meanwhile, or held by somebody's call: the next tick ends it. Or it is another
  -- one's turn by now.
  IF t.serving_pid IS NULL OR t.serving_pid IS DISTINCT FROM pg_backend_pid() THEN
    RETURN;
  END IF;
  IF slow THEN
    UPDATE ruvector.healing_turns o
       SET since = coalesce(o.since, clock_timestamp()),
           reason = CASE WHEN o.last_at >= o.serving_since THEN o.reason
                         ELSE format('its last turn took %s s', round(seconds)) END,
           until = greatest(o.until,
             clock_timestamp() + make_interval(secs => least(seconds, 3600))),
           serving_since = NULL, served_at = clock_timestamp()
     WHERE o.collection_id = t.collection_id;
  ELSIF t.since IS NULL OR t.last_at >= t.serving_since
    OR NOT ruvector.healing_try_lock('collection', t.collection_id) THEN
    UPDATE ruvector.healing_turns o SET serving_since = NULL, served_at = clock_timestamp()
      WHERE o.collection_id = t.collection_id;
  ELSE
    UPDATE ruvector.healing_turns o
       SET serving_since = NULL, served_at = clock_timestamp(), since = NULL, failures = 0,
         stalls = 0, last_at = NULL, until = NULL, sqlstate = NULL, reason = NULL
     WHERE o.collection_id = t.collection_id;
    IF t.until IS NOT NULL THEN
      name := (SELECT format('%I.%I', c.schema_name, c.table_name) FROM ruvector.collections c
        WHERE c.collection_id = t.collection_id);
      INSERT INTO ruvector.healing_events (collection_id, collection, kind, message, details)
      VALUES (t.collection_id, name, 'served_again',
        format('served again; it was set aside since %s: %s', ruvector.healing_timestamp(t.since),
        t.reason), jsonb_build_object('failures', t.failures));
    END IF;
  END IF;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_turn_end(integer, double precision)
  IS 'Ends a collection''s turn in a tick.';

-- A person has it served again. What fails then is the first failure.
CREATE OR REPLACE FUNCTION ruvector.healing_turn_resume(collection_id integer)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
AS $function$
DECLARE
  a record;
  name constant text := (SELECT format('%I.%I', c.schema_name, c.table_name)
    FROM ruvector.collections c WHERE c.collection_id = healing_turn_resume.collection_id);
  said text;
BEGIN
  SELECT * INTO a FROM ruvector.healing_aside(ARRAY[healing_turn_resume.collection_id]);
  said := CASE WHEN a.since IS NULL THEN name || ' is not set aside'
    ELSE name || ' is served again with the next tick' END;
  IF a.since IS NOT NULL THEN
    UPDATE ruvector.healing_turns o SET since = NULL, failures = 0, stalls = 0, last_at = NULL,
      until = NULL, sqlstate = NULL, reason = NULL
     WHERE o.collection_id = healing_turn_resume.collection_id;
    INSERT INTO ruvector.healing_events (collection_id, collection, kind, message, details)
    VALUES (healing_turn_resume.collection_id, name, 'collection_resumed', said,
      jsonb_build_object('since', ruvector.healing_timestamp(a.since), 'failures', a.failures,
      'reason', a.reason));
  END IF;
  RETURN jsonb_build_object('strategy', NULL, 'collection', name, 'message', said,
    'lifted', CASE WHEN a.since IS NULL THEN '[]'
      ELSE jsonb_build_array(jsonb_build_object('kind', 'set_aside', 'problem_class', NULL,
        'reason', a.reason, 'until', ruvector.healing_timestamp(a.until))) END);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_turn_resume(integer)
  IS 'Has a collection served again that was set aside.';
