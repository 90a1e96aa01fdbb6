-- A healthy tick starts no JavaScript. What JavaScript found plainly healthy it finds so again from
-- the same facts: here it is only asked whether they are the same, for all collections at once. So
-- every figure has one definition, that of src/sense.

-- JavaScript found a collection plainly healthy, and nothing of it changes by itself: kept with
-- what that was found by. `seen` is from before the look: what came meanwhile is looked at next.
CREATE OR REPLACE FUNCTION ruvector.healing_keep_rest(collection_id integer, sample_id bigint,
  seen numeric, server text, cron_run bigint, most_seconds double precision,
  duration_ms double precision, apart double precision, stands jsonb)
RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $function$
  INSERT INTO ruvector.healing_rests AS r (collection_id, due_at, duration_ms, sample_id, seen,
    counted, server, cron_run, apart_seconds, stands)
  SELECT $1, clock_timestamp() + make_interval(secs => $6), $7, $2, $3, c.counted, $4, $5, $8, $9
    FROM ruvector.integrity_measurements m
   CROSS JOIN LATERAL (
     SELECT sum((e.value ->> 'reads')::double precision + (e.value ->> 'writes')::double precision)
       AS counted
       FROM jsonb_each(m.value -> 'counters') e) c
   WHERE m.collection_id = $1 AND m.kind = 'activity' AND c.counted IS NOT NULL
     AND m.value ->> 'settling' IS NULL AND NOT jsonb_exists(m.value, 'moved')
     -- Nobody waited a moment ago, and no table is past its threshold: both go on by the clock.
     AND NOT EXISTS (SELECT FROM ruvector.integrity_measurements k
       WHERE k.collection_id = $1 AND k.kind = 'replication')
     AND EXISTS (SELECT FROM ruvector.integrity_measurements k
       WHERE k.collection_id = $1 AND k.kind = 'maintenance'
         AND k.value -> 'overdue' = '{}' AND k.value #> '{blocked,chunks}' = '[]'
         AND k.value #> '{blocked,waiting}' = '[]' AND k.value #> '{jobs,blocking}' = '{}')
     AND NOT EXISTS (SELECT FROM ruvector.healing_pending(ARRAY[$1]))
  ON CONFLICT ON CONSTRAINT healing_rests_pkey DO UPDATE
    SET looked_at = clock_timestamp(), due_at = excluded.due_at,
      duration_ms = excluded.duration_ms, sample_id = excluded.sample_id, seen = excluded.seen,
      counted = excluded.counted, server = excluded.server, cron_run = excluded.cron_run,
      apart_seconds = excluded.apart_seconds, stands = excluded.stands;
$function$;
COMMENT ON FUNCTION ruvector.healing_keep_rest(integer, bigint, numeric, text, bigint,
  double precision, double precision, double precision, jsonb)
  IS 'Keeps that a collection was found plainly healthy, and by what.';

-- Before a tick asks who rests, committed: where that never comes back, or takes its session along,
-- the next tick serves each collection by itself, and so finds the one that is to blame.
CREATE OR REPLACE FUNCTION ruvector.healing_rest_begin()
RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $function$
  UPDATE ruvector.healing_resting
     SET begun_at = CASE WHEN begun_at IS NULL THEN clock_timestamp() END
   WHERE ctid = ANY (ARRAY(SELECT r.ctid FROM ruvector.healing_resting r FOR UPDATE SKIP LOCKED));
$function$;
COMMENT ON FUNCTION ruvector.healing_rest_begin()
  IS 'Says that a tick is about to ask which collections rest.';

-- The collections that rest, found as they were: their sample is kept. Those whose own row another
-- session has locked are left to their turn, which passes them over.
CREATE OR REPLACE FUNCTION ruvector.healing_rest(collections integer[])
RETURNS integer[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  -- Of a tick, for what is due now and then and may as well be done by the next one; one
  -- collection's turn in any case. A turn takes some twice as long as the look in it, and one that
  -- measures longer than the one before: with 500 ms a tick took 1.2 s.
  budget_ms constant double precision := 250;
  -- What nothing was found to have changed of is looked at again all the same, one by one: with as
  -- many as were ten minutes old a tick of 1,000 had 880 statements instead of 74.
  again constant interval := interval '10 minutes';
  again_apart constant interval := interval '15 seconds';
  now_ timestamptz;
  known integer[];
  server_now text;
  failed bigint;
  resting integer[];
BEGIN
  known := ARRAY(SELECT r.collection_id FROM ruvector.healing_rests r
    WHERE r.collection_id = ANY (collections));
  IF known = '{}' OR NOT ruvector.healing_server_plain() THEN
    RETURN '{}';
  END IF;
  server_now := ruvector.healing_server_seen();
  failed := ruvector.healing_failed_run((SELECT min(r.cron_run) FROM ruvector.healing_rests r
    WHERE r.collection_id = ANY (known)));
  now_ := clock_timestamp();
  WITH same AS MATERIALIZED (
    SELECT r.*, n.counted AS counted_now
      FROM ruvector.healing_rests r
      JOIN ruvector.integrity_state s ON s.collection_id = r.collection_id
        AND s.sample_id = r.sample_id AND s.state = 0 AND s.degraded_at IS NULL
        AND s.sampled_at <= now_
      JOIN ruvector.healing_turns t ON t.collection_id = r.collection_id AND t.since IS NULL
        AND t.serving_since IS NULL
      JOIN ruvector.healing_seen(known) n ON n.collection_id = r.collection_id
        -- Fewer than then: the server lost count, of all of them (a crash, pg_stat_reset).
        AND n.seen = r.seen AND n.counted <= r.counted AND NOT n.busy
     WHERE r.cron_run >= failed AND r.looked_at <= now_
       AND EXISTS (SELECT FROM ruvector.integrity_samples m WHERE m.id = r.sample_id)
       AND r.collection_id NOT IN (SELECT ruvector.healing_pending(known))
  ), due AS (
    SELECT d.collection_id, sum(d.duration_ms) OVER (ORDER BY w.due_at, d.counted_now DESC,
             d.collection_id) - d.duration_ms AS before
      FROM same d
     CROSS JOIN LATERAL (
       SELECT least(d.due_at, min(CASE WHEN m.measured_at = 'epoch' THEN m.measured_at
                ELSE m.measured_at
                  + make_interval(secs => (d.stands ->> m.kind)::double precision) END)) AS due_at
         FROM ruvector.integrity_measurements m WHERE m.collection_id = d.collection_id) w
     -- Where the server was given other settings, or we another version, all are looked at again.
     WHERE w.due_at <= now_ OR d.server <> server_now OR d.counted_now < d.counted
  ), once_more AS (
    SELECT o.collection_id FROM same o
     WHERE o.looked_at <= now_ - again
       AND NOT EXISTS (SELECT FROM due d WHERE d.collection_id = o.collection_id)
       AND NOT EXISTS (SELECT FROM ruvector.healing_resting g
         WHERE g.looked_at BETWEEN now_ - again_apart AND now_)
     ORDER BY o.looked_at, o.collection_id LIMIT 1
  ), noted AS (
    UPDATE ruvector.healing_resting SET looked_at = now_ WHERE EXISTS (SELECT FROM once_more)
  ), locked AS (
    SELECT l.id FROM ruvector.healing_locks l
     WHERE l.kind = 'collection' AND l.id IN (SELECT s.collection_id FROM same s)
       AND l.id NOT IN (SELECT d.collection_id FROM due d WHERE d.before < budget_ms
         UNION ALL SELECT o.collection_id FROM once_more o)
       FOR UPDATE SKIP LOCKED
  ), turns AS (
    -- An operator may have begun one by hand, and left it open.
    SELECT t.collection_id FROM ruvector.healing_turns t
     WHERE t.collection_id IN (SELECT l.id FROM locked l) FOR UPDATE SKIP LOCKED
  )
  SELECT array_agg(t.collection_id) INTO resting FROM turns t;
  IF resting IS NULL THEN
    RETURN '{}';
  END IF;
  -- pg_cron catches up after a stall with ticks that follow each other at once.
  known := ARRAY(SELECT r.collection_id
    FROM ruvector.healing_rests r JOIN ruvector.integrity_state s USING (collection_id)
   WHERE r.collection_id = ANY (resting)
     AND now_ >= s.sampled_at + make_interval(secs => r.apart_seconds));
  INSERT INTO ruvector.integrity_samples (collection_id, sampled_at, source, lambda, raw_cut,
    lambda2, state, mass, trivial, nodes, edges, same_as)
  SELECT m.collection_id, now_, m.source, m.lambda, m.raw_cut, m.lambda2, m.state, m.mass,
    m.trivial, m.nodes, m.edges, m.id
    FROM ruvector.healing_rests r JOIN ruvector.integrity_samples m ON m.id = r.sample_id
   WHERE r.collection_id = ANY (known);
  UPDATE ruvector.integrity_state s
     SET sampled_at = now_, hysteresis = CASE WHEN jsonb_exists(s.hysteresis, 'samples')
       THEN s.hysteresis || jsonb_build_object('samples',
         (s.hysteresis ->> 'samples')::bigint + 1) ELSE s.hysteresis END
   WHERE s.collection_id = ANY (known);
  UPDATE ruvector.healing_turns t SET served_at = now_ WHERE t.collection_id = ANY (resting);
  RETURN resting;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_rest(integer[])
  IS 'Keeps the samples of collections that are as JavaScript found them, plainly healthy; returns '
  'which those are.';

-- Which of the collections need a turn of their own, in their order.
CREATE OR REPLACE FUNCTION ruvector.healing_tick_rest(collections integer[])
RETURNS integer[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  begun timestamptz;
  resting integer[] := '{}';
BEGIN
  -- On a standby there are none, and nothing can be locked.
  IF collections = '{}' THEN
    RETURN collections;
  END IF;
  PERFORM ruvector.healing_bounded();
  SELECT r.begun_at INTO begun FROM ruvector.healing_resting r FOR UPDATE SKIP LOCKED;
  IF begun IS NULL THEN
    RETURN collections;
  END IF;
  BEGIN
    resting := ruvector.healing_rest(collections);
  -- Whatever it is, it is one collection's: each is served by itself.
  EXCEPTION WHEN OTHERS OR assert_failure THEN
    RAISE LOG 'ruvector_healing: none rests in this tick: % %', SQLSTATE,
      ruvector.healing_text(SQLERRM);
  END;
  UPDATE ruvector.healing_resting SET begun_at = NULL;
  RETURN ARRAY(SELECT c.id FROM unnest(collections) WITH ORDINALITY c(id, place)
    WHERE c.id <> ALL (resting) ORDER BY c.place);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_tick_rest(integer[])
  IS 'The collections that need a turn of their own in this tick; the others are as they were.';
