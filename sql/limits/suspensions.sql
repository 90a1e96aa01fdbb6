-- Before it knew classes it returned less: CREATE OR REPLACE cannot add columns, and nobody but us
-- is granted it.
DO $before$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_proc p
    WHERE p.oid = pg_catalog.to_regprocedure('ruvector.healing_suspended(integer)')
    AND NOT 'problem_class' = ANY (p.proargnames)) THEN
    DROP FUNCTION ruvector.healing_suspended(integer);
  END IF;
END
$before$;

-- Seconds for which a strategy rests after it failed so often alike. 2 ^ 30 hours are more than
-- anybody waits.
CREATE OR REPLACE FUNCTION ruvector.healing_pause_seconds(settings jsonb, failures integer)
RETURNS double precision
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT least((settings ->> 'strategy_retry_seconds')::float8 * 2 ^ least(greatest(failures,
    1) - 1, 30),
               greatest((settings ->> 'strategy_retry_max_seconds')::float8,
                 (settings ->> 'strategy_retry_seconds')::float8));
$function$;
COMMENT ON FUNCTION ruvector.healing_pause_seconds(jsonb, integer)
  IS 'How long a strategy rests that failed so often alike.';

-- What the loop leaves alone on a collection now. problem_class NULL: for every class. A person's
-- no (a rejection, a rollback, an abort) holds for rejection_seconds; a failure for
-- strategy_retry_seconds, twice as long each time it fails alike again, strategy_retry_max_seconds
-- at most; what a person resumed counts from then on only.
CREATE OR REPLACE FUNCTION ruvector.healing_suspended(collection_id integer)
RETURNS TABLE (strategy_name text, problem_class text, kind text, reason text, action_id bigint,
  until timestamptz, everywhere boolean, failures integer)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH own AS (
    SELECT ruvector.healing_settings(healing_suspended.collection_id) AS settings
  ), kept AS (
    SELECT s.strategy_name, s.problem_class, s.kind, s.reason, s.action_id, s.suspended_at,
      s.collection_id IS NULL AS everywhere, s.failures
      FROM ruvector.healing_suspensions s
     WHERE (s.collection_id = healing_suspended.collection_id OR s.collection_id IS NULL)
       AND s.kind <> 'resumed'
    UNION ALL
    SELECT a.strategy_name, a.problem_class, 'rejected',
      format('%s rejected action %s', a.rejected_by, a.id), a.id, a.rejected_at, false, 1
      FROM ruvector.healing_actions a
     WHERE a.collection_id = healing_suspended.collection_id AND a.rejected_at IS NOT NULL
  ), timed AS (
    SELECT k.*, k.suspended_at + make_interval(secs => CASE k.kind
             WHEN 'oscillation'
               THEN ((SELECT o.settings FROM own o) ->> 'oscillation_suspend_seconds')::float8
             WHEN 'failures'
               THEN ruvector.healing_pause_seconds((SELECT o.settings FROM own o), k.failures)
             ELSE ((SELECT o.settings FROM own o) ->> 'rejection_seconds')::float8 END) AS until
      FROM kept k
  )
  SELECT DISTINCT ON (t.strategy_name, t.problem_class) t.strategy_name, t.problem_class, t.kind,
    t.reason, t.action_id, t.until, t.everywhere, t.failures
    FROM timed t
   WHERE t.until > clock_timestamp()
     AND NOT EXISTS (SELECT FROM ruvector.healing_suspensions r
                      WHERE r.kind = 'resumed' AND r.strategy_name = t.strategy_name
                        AND r.suspended_at >= t.suspended_at
                        AND r.collection_id IS NOT DISTINCT FROM CASE WHEN t.everywhere THEN NULL
                          ELSE healing_suspended.collection_id END)
   ORDER BY t.strategy_name, t.problem_class, t.until DESC;
$function$;
COMMENT ON FUNCTION ruvector.healing_suspended(integer)
  IS 'Strategies that the loop leaves alone on a collection now.';

-- Keeps a suspension and says so.
CREATE OR REPLACE FUNCTION ruvector.healing_suspend(
  collection_id integer, strategy text, problem_class text, kind text, reason text,
    action_id bigint, failure text DEFAULT NULL, failures integer DEFAULT 1
)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  held record;
  on_ text := (SELECT format('%I.%I', c.schema_name, c.table_name) FROM ruvector.collections c
    WHERE c.collection_id = healing_suspend.collection_id);
BEGIN
  -- Unregistered meanwhile: there is nothing to leave alone.
  IF healing_suspend.collection_id IS NOT NULL AND on_ IS NULL THEN
    RETURN;
  END IF;
  INSERT INTO ruvector.healing_suspensions (collection_id, strategy_name, problem_class, kind,
    reason, action_id, failure, failures)
  VALUES (healing_suspend.collection_id, strategy, healing_suspend.problem_class,
    healing_suspend.kind, healing_suspend.reason, healing_suspend.action_id,
          healing_suspend.failure, healing_suspend.failures);
  SELECT ruvector.healing_timestamp(s.until) AS until INTO held
    FROM ruvector.healing_suspended(coalesce(healing_suspend.collection_id, 0)) s
   WHERE s.strategy_name = strategy AND s.problem_class
     IS NOT DISTINCT FROM healing_suspend.problem_class
   ORDER BY s.until DESC LIMIT 1;
  -- A setting of 0: it is not left alone at all.
  IF held.until IS NULL THEN
    RETURN;
  END IF;
  INSERT INTO ruvector.healing_events (collection_id, collection, action_id, kind, message, details)
  VALUES (healing_suspend.collection_id, on_, healing_suspend.action_id, 'strategy_suspended',
          format('%s is left alone%s%s until %s: %s. %s lifts that.', strategy,
            ' for ' || healing_suspend.problem_class,
                 CASE WHEN on_ IS NULL
                   THEN ' on every collection' END, held.until, healing_suspend.reason,
                   ruvector.healing_resume_statement(strategy, on_)),
          jsonb_build_object('strategy', strategy, 'problem_class', healing_suspend.problem_class,
            'kind', healing_suspend.kind, 'until', held.until,
                             'failure', healing_suspend.failure,
                               'failures', healing_suspend.failures));
END
$function$;
COMMENT ON FUNCTION ruvector.healing_suspend(integer, text, text, text, text, bigint, text, integer)
  IS 'Leaves a strategy alone on a collection (NULL: on all) for as long as the settings say, '
  'with its event.';

-- What to type to have it tried again.
CREATE OR REPLACE FUNCTION ruvector.healing_resume_statement(strategy text, collection text)
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT format('SELECT ruvector_healing_resume(%L%s);', strategy, CASE WHEN collection IS NOT NULL
    THEN format(', %L', collection) END);
$function$;
COMMENT ON FUNCTION ruvector.healing_resume_statement(text, text)
  IS 'The statement that lifts a suspension.';

-- An action that failed, or did not help: its strategy rests on that collection and for that class.
-- Failing alike on several collections within a day, with nothing verified in between, it rests
-- everywhere. What people ran by name says nothing about other collections.
CREATE OR REPLACE FUNCTION ruvector.healing_suspend_failed(action_id bigint)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  a ruvector.healing_actions;
  alike integer;
  what text;
  others integer;
  most integer := (ruvector.healing_settings(0) ->> 'strategy_failure_collections')::integer;
BEGIN
  SELECT * INTO a FROM ruvector.healing_actions h WHERE h.id = healing_suspend_failed.action_id;
  IF a.failure IS NULL OR a.state NOT IN ('failed', 'rolled_back', 'rollback_failed') THEN
    RETURN;
  END IF;
  what := CASE a.failure WHEN 'unverified' THEN 'did not help' WHEN 'worsened'
    THEN 'made lambda fall' WHEN 'vetoed' THEN 'made something else worse' WHEN 'timeout'
    THEN 'did not end in time' WHEN 'in_vain' THEN 'was in vain'
    ELSE 'failed with ' || a.failure END;
  SELECT 1 + count(*)::int INTO alike
    FROM ruvector.healing_suspensions s
   WHERE s.collection_id = a.collection_id AND s.strategy_name = a.strategy_name
     AND s.problem_class = a.problem_class
     AND s.kind = 'failures' AND s.failure = a.failure
       AND s.suspended_at > ruvector.healing_streak_since(a.strategy_name, a.problem_class,
       a.collection_id);
  PERFORM ruvector.healing_suspend(a.collection_id, a.strategy_name, a.problem_class, 'failures',
    format('action %s %s%s', a.id, what, CASE WHEN alike > 1
      THEN format(', %s times in a row', alike) END),
    a.id, a.failure, alike);
  IF a.origin = 'execute' THEN
    RETURN;
  END IF;
  SELECT count(DISTINCT h.collection_id)::int INTO others
    FROM ruvector.healing_actions h
   WHERE h.strategy_name = a.strategy_name AND h.problem_class = a.problem_class
     AND h.failure = a.failure AND h.origin <> 'execute'
     AND h.finished_at > greatest(now() - interval '1 day',
       ruvector.healing_streak_since(a.strategy_name, a.problem_class, NULL));
  IF others < most OR EXISTS (SELECT FROM ruvector.healing_suspended(0) s WHERE s.everywhere
    AND s.strategy_name = a.strategy_name AND s.problem_class = a.problem_class) THEN
    RETURN;
  END IF;
  SELECT 1 + count(*)::int INTO alike
    FROM ruvector.healing_suspensions s
   WHERE s.collection_id IS NULL AND s.strategy_name = a.strategy_name
     AND s.problem_class = a.problem_class
     AND s.kind = 'failures' AND s.failure = a.failure
       AND s.suspended_at > ruvector.healing_streak_since(a.strategy_name, a.problem_class, NULL);
  PERFORM ruvector.healing_suspend(NULL, a.strategy_name, a.problem_class, 'failures',
    format('it %s on %s within a day', what, CASE others WHEN 1 THEN 'a collection'
      ELSE others || ' collections' END), a.id, a.failure, alike);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_suspend_failed(bigint)
  IS 'Suspends the strategy of an action that failed: on its collection, and everywhere where it '
  'fails alike on several.';

-- Failures before this do not count as in a row: something was verified since, or a person had it
-- resumed. NULL: over all collections.
CREATE OR REPLACE FUNCTION ruvector.healing_streak_since(strategy text, problem_class text,
  collection_id integer)
RETURNS timestamptz
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT greatest(
    clock_timestamp() - ruvector.healing_outcome_window(),
    (SELECT max(o.completed_at) FROM ruvector.healing_outcomes o
      WHERE o.strategy_name = strategy AND o.problem_class = healing_streak_since.problem_class
        AND o.success AND o.verified
        AND (healing_streak_since.collection_id IS NULL
          OR o.collection_id = healing_streak_since.collection_id)),
    (SELECT max(r.suspended_at) FROM ruvector.healing_suspensions r
      WHERE r.strategy_name = strategy AND r.kind = 'resumed' AND r.collection_id
        IS NOT DISTINCT FROM healing_streak_since.collection_id));
$function$;
COMMENT ON FUNCTION ruvector.healing_streak_since(text, text, integer)
  IS 'Since when failures of a strategy for a class count as in a row.';
