-- One collection never stops another. Before a tick serves a collection it says so, in a
-- transaction of its own; where that is found again, its session died, was canceled, or hangs. Such
-- a collection, and one whose turn ends in an error, is set aside: the others are served first, and
-- it is passed over for longer each time, until a turn of it succeeds or a person has it resumed.

-- Seconds for which it is passed over: none at first, for what a moment causes; from the second
-- stall, or once an action would have been given up (max_retries), 30 s and twice as long each
-- time, an hour at most. Never more than 60 s while something has to be undone or ended in time.
CREATE OR REPLACE FUNCTION ruvector.healing_turn_pause(collection_id integer, failures integer,
  stalls integer)
RETURNS double precision
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE WHEN n.times > 0 THEN least(30 * 2 ^ least(n.times - 1, 10),
           CASE WHEN EXISTS (SELECT FROM ruvector.healing_actions a
             WHERE a.collection_id = healing_turn_pause.collection_id
             AND a.state IN ('executing', 'stabilizing', 'rolling_back'))
                  OR EXISTS (SELECT FROM ruvector.healing_leases l
                    WHERE l.collection_id = healing_turn_pause.collection_id
                    AND l.ended_at IS NULL) THEN 60 ELSE 3600 END) ELSE 0 END
    FROM (SELECT greatest(stalls - 1,
      failures - stalls - (ruvector.healing_settings(healing_turn_pause.collection_id) ->>
      'max_retries')::integer) AS times) n;
$function$;
COMMENT ON FUNCTION ruvector.healing_turn_pause(integer, integer, integer)
  IS 'How long a collection is passed over whose turns failed so often in a row.';

-- Sets a collection aside, once for each turn. stalled: it took its session along, or never came
-- back.
CREATE OR REPLACE FUNCTION ruvector.healing_set_aside(collection_id integer, sqlstate text,
  reason text, stalled boolean)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
AS $function$
DECLARE
  said constant text := ruvector.healing_text(regexp_replace(healing_set_aside.reason,
    E'\\s*[\\r\\n]\\s*', ' ', 'g'));
  name constant text := (SELECT format('%I.%I', c.schema_name, c.table_name)
    FROM ruvector.collections c WHERE c.collection_id = healing_set_aside.collection_id);
  t ruvector.healing_turns;
  pause double precision;
BEGIN
  -- Its row is held by somebody who called a part of a tick by hand: what failed is an event
  -- already, and is counted the next time.
  IF EXISTS (SELECT FROM ruvector.healing_turns o
    WHERE o.collection_id = healing_set_aside.collection_id) THEN
    PERFORM FROM ruvector.healing_turns o
      WHERE o.collection_id = healing_set_aside.collection_id FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
      RETURN;
    END IF;
  END IF;
  INSERT INTO ruvector.healing_turns AS o (collection_id, since, failures, stalls, last_at,
    sqlstate, reason)
  VALUES (healing_set_aside.collection_id, clock_timestamp(), 1, stalled::integer,
    clock_timestamp(), healing_set_aside.sqlstate, said)
  ON CONFLICT ON CONSTRAINT healing_turns_pkey DO UPDATE
     SET since = coalesce(o.since, excluded.since),
         -- Both phases of one turn may fail.
         failures = o.failures + CASE WHEN o.last_at >= o.serving_since THEN 0
           ELSE 1 END, stalls = o.stalls + excluded.stalls,
         last_at = excluded.last_at, sqlstate = excluded.sqlstate, reason = excluded.reason
  RETURNING o.* INTO t;
  pause := ruvector.healing_turn_pause(t.collection_id, t.failures, t.stalls);
  UPDATE ruvector.healing_turns o SET until = CASE WHEN pause > 0
    THEN clock_timestamp() + make_interval(secs => pause) END
    WHERE o.collection_id = t.collection_id;
  IF pause > 0 THEN
    INSERT INTO ruvector.healing_events (collection_id, collection, kind, message, details)
    VALUES (t.collection_id, name, 'set_aside',
            format('set aside for %s s, its turn failed %s times in a row: %s. %s', pause,
              t.failures, said, ruvector.healing_resume_collection(name)),
            jsonb_build_object('failures', t.failures, 'stalls', t.stalls,
              'sqlstate', healing_set_aside.sqlstate, 'pause_seconds', pause));
    RAISE LOG 'ruvector_healing: set_aside (%): for % s, % times in a row: %',
      regexp_replace(name, E'\\s*[\\r\\n]\\s*', ' ', 'g'), pause, t.failures, said;
  END IF;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_set_aside(integer, text, text, boolean)
  IS 'Counts a failed turn of a collection, which is served after the others from now on, and not '
  'at all for a while.';

-- What to type to have a collection served at once.
CREATE OR REPLACE FUNCTION ruvector.healing_resume_collection(collection text)
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT format('SELECT ruvector_healing_resume(collection => %L);', collection);
$function$;
COMMENT ON FUNCTION ruvector.healing_resume_collection(text)
  IS 'The statement that has a collection served again that was set aside.';

-- A pause that ends later than any can was moved by a clock. Without SET, and VOLATILE as the
-- clock is, so that it is inlined.
CREATE OR REPLACE FUNCTION ruvector.healing_passed_over(until timestamptz)
RETURNS boolean
LANGUAGE sql
AS $function$
  SELECT coalesce(until > clock_timestamp() AND until <= clock_timestamp() + interval '1 hour',
    false);
$function$;
COMMENT ON FUNCTION ruvector.healing_passed_over(timestamptz)
  IS 'Whether a collection that is set aside until then is passed over now.';

-- Why a collection is set aside, and when it is served again; no row: it is not.
CREATE OR REPLACE FUNCTION ruvector.healing_aside(wanted integer[] DEFAULT NULL)
RETURNS TABLE (collection_id integer, since timestamptz, failures integer, until timestamptz,
  passed_over boolean, reason text, sentence text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT t.collection_id, t.since, t.failures, t.until, p.over, t.reason,
         format('set aside since %s (%s): %s; served again %s', ruvector.healing_timestamp(t.since),
                CASE t.failures WHEN 0 THEN 'its tick was canceled' WHEN 1
                  THEN 'its turn failed once'
                  ELSE format('its turn failed %s times in a row', t.failures) END,
                left(t.reason, 300), CASE WHEN p.over
                  THEN 'from ' || ruvector.healing_timestamp(t.until)
                  ELSE 'with the next tick, after the others' END)
    FROM ruvector.healing_turns t
   CROSS JOIN LATERAL (SELECT ruvector.healing_passed_over(t.until) AS over) p
   WHERE t.since IS NOT NULL AND (wanted IS NULL OR t.collection_id = ANY (wanted));
$function$;
COMMENT ON FUNCTION ruvector.healing_aside(integer[]) IS 'Collections that are set aside, and why.';
