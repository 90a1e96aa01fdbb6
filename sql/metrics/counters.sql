-- Counting for Prometheus, in the transaction of what is counted. What is counted of actions is
-- counted by a trigger, whoever moves them on: the bundle, or the plain SQL of a tick that failed.
-- Only updates count: restoring a dump inserts and must not count again.
CREATE OR REPLACE FUNCTION ruvector.healing_count(collection_id integer, metric text, label text,
  by double precision DEFAULT 1)
RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $function$
  INSERT INTO ruvector.healing_counters AS k (collection_id, metric, label, value)
  SELECT c.collection_id, healing_count.metric, healing_count.label, healing_count.by
    FROM ruvector.collections c
   WHERE c.collection_id = healing_count.collection_id
  ON CONFLICT ON CONSTRAINT healing_counters_pkey DO UPDATE SET value = k.value + excluded.value;
$function$;
COMMENT ON FUNCTION ruvector.healing_count(integer, text, text, double precision)
  IS 'Adds to a counter of a registered collection.';

CREATE OR REPLACE FUNCTION ruvector.healing_count_action()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  rows_moved double precision := coalesce((NEW.progress ->> 'rows')::double precision,
    0) - coalesce((OLD.progress ->> 'rows')::double precision, 0);
BEGIN
  IF OLD.started_at IS NULL AND NEW.started_at IS NOT NULL THEN
    PERFORM ruvector.healing_count(NEW.collection_id, 'ruvector_healing_attempts_total',
      NEW.strategy_name);
  END IF;
  IF rows_moved > 0 THEN
    PERFORM ruvector.healing_count(NEW.collection_id, 'ruvector_healing_rows_moved_total',
      NEW.strategy_name, rows_moved);
  END IF;
  IF OLD.state = NEW.state OR NEW.finished_at IS NULL THEN
    RETURN NULL;
  END IF;
  PERFORM ruvector.healing_count(NEW.collection_id, 'ruvector_healing_actions_total', NEW.state);
  -- An action that a human undoes days later ends again; how long it took is known already, and so
  -- is its outcome.
  IF NEW.started_at IS NOT NULL AND NEW.state <> 'aborted'
     AND NOT EXISTS (SELECT FROM ruvector.healing_outcomes o WHERE o.action_id = NEW.id) THEN
    PERFORM ruvector.healing_count(NEW.collection_id, 'ruvector_healing_duration_seconds_sum',
      NEW.strategy_name,
      extract(epoch FROM NEW.finished_at - NEW.started_at)::double precision);
    PERFORM ruvector.healing_count(NEW.collection_id, 'ruvector_healing_duration_seconds_count',
      NEW.strategy_name);
  END IF;
  IF NEW.state = 'succeeded' THEN
    PERFORM ruvector.healing_count(NEW.collection_id, 'ruvector_healing_success_total',
      NEW.strategy_name);
    PERFORM ruvector.healing_count(NEW.collection_id, 'ruvector_healing_recovery_seconds_sum', '',
      extract(epoch FROM NEW.finished_at
        - coalesce(NEW.degraded_at, NEW.created_at))::double precision);
    PERFORM ruvector.healing_count(NEW.collection_id, 'ruvector_healing_recovery_seconds_count',
      '');
  END IF;
  RETURN NULL;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_count_action()
  IS 'Counts an action''s start, its rows and its end.';

CREATE OR REPLACE TRIGGER healing_actions_count
  AFTER UPDATE ON ruvector.healing_actions
  FOR EACH ROW
  WHEN (OLD.state IS DISTINCT FROM NEW.state OR OLD.started_at IS DISTINCT FROM NEW.started_at
    OR OLD.progress IS DISTINCT FROM NEW.progress)
  EXECUTE FUNCTION ruvector.healing_count_action();
