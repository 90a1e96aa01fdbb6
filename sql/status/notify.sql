-- NOTIFY for people and programs that watch (docs/monitoring.md). By a trigger, so that events of
-- the bundle and of plain SQL are all told, in their own transaction: delivered when it commits,
-- never for what was rolled back.

-- Whoever may connect may listen, so that nothing is told that only some may read: these messages
-- may quote an error of the user's data.
CREATE OR REPLACE FUNCTION ruvector.healing_told(event ruvector.healing_events)
RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE WHEN event.kind IN ('action_rolling_back', 'action_rolled_back',
      'action_rollback_failed', 'action_failed', 'action_aborted')
    THEN format('action %1$s: %2$s. SELECT ruvector_healing_explain(%1$s); says why.',
      event.action_id, replace(substr(event.kind, 8), '_', ' '))
    ELSE event.message END;
$function$;
COMMENT ON FUNCTION ruvector.healing_told(ruvector.healing_events)
  IS 'What is told of an event to whoever listens.';

CREATE OR REPLACE FUNCTION ruvector.healing_is_told(kind text)
RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $function$
  SELECT $1 OPERATOR(pg_catalog.~)
    '^(state_|breaker_'
    '|action_(planned|awaiting_approval|executing|stabilizing|rolling_back'
    '|succeeded|rolled_back|rollback_failed|failed|aborted|expired)$'
    '|refusal_escalated$|table_missing$)';
$function$;
COMMENT ON FUNCTION ruvector.healing_is_told(text)
  IS 'Whether events of a kind are told: transitions, and what needs somebody.';

CREATE OR REPLACE FUNCTION ruvector.healing_notify()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  said text := ruvector.healing_told(NEW);
  payload text;
BEGIN
  -- A queue that somebody else's idle listener filled makes every commit with a NOTIFY fail: the
  -- loop does without, and heals.
  IF pg_notification_queue_usage() > 0.9 THEN
    RETURN NULL;
  END IF;
  LOOP
    payload := jsonb_build_object('kind', NEW.kind, 'collection', NEW.collection,
      'action_id', NEW.action_id, 'message', said,
      'at', ruvector.healing_timestamp(NEW.at))::text;
    -- NOTIFY takes less than 8000 bytes; how many a character takes is known when it is written.
    EXIT WHEN octet_length(payload) < 8000 OR said = '';
    said := left(said, length(said) * 3 / 4);
  END LOOP;
  PERFORM pg_notify('ruvector_healing', payload);
  RETURN NULL;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_notify() IS 'Tells the channel ruvector_healing of an event.';

CREATE OR REPLACE TRIGGER healing_events_notify
  AFTER INSERT ON ruvector.healing_events
  FOR EACH ROW
  WHEN (ruvector.healing_is_told(NEW.kind))
  EXECUTE FUNCTION ruvector.healing_notify();
