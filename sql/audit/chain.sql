-- The hash chain over the events. Writers insert events without it, side by side; at their commit
-- (or, when another session is just at it, at the next one's or the next tick) the events that have
-- no place yet are chained, under a lock that is held for the rest of that commit only: nobody's
-- transaction waits for another's.

-- These three are STABLE and without SET, so that the planner inlines them: verifying 100,000
-- events calls each 100,000 times.

-- What is hashed of an event: a JSON array of its columns in this order. jsonb writes texts,
-- numbers and a timestamp without time zone the same way whatever DateStyle, TimeZone,
-- extra_float_digits and bytea_output say. 1 is the version of this order.
CREATE OR REPLACE FUNCTION ruvector.healing_event_text(event ruvector.healing_events)
RETURNS text
LANGUAGE sql STABLE
AS $function$
  SELECT pg_catalog.jsonb_build_array(1, event.id, event.at AT TIME ZONE 'UTC', event.collection_id,
    event.collection, event.action_id, event.kind, event.message, event.details,
    event.actor)::pg_catalog.text;
$function$;
COMMENT ON FUNCTION ruvector.healing_event_text(ruvector.healing_events)
  IS 'The text of an event that its hash covers.';

CREATE OR REPLACE FUNCTION ruvector.healing_event_hash(event ruvector.healing_events)
RETURNS bytea
LANGUAGE sql STABLE
AS $function$
  SELECT pg_catalog.sha256(pg_catalog.convert_to(ruvector.healing_event_text(event), 'UTF8'));
$function$;
COMMENT ON FUNCTION ruvector.healing_event_hash(ruvector.healing_events)
  IS 'SHA-256 of the text of an event.';

CREATE OR REPLACE FUNCTION ruvector.healing_audit_link(previous bytea, seq bigint,
  content_hash bytea)
RETURNS bytea
LANGUAGE sql STABLE
AS $function$
  SELECT pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.encode(previous,
    'hex') OPERATOR(pg_catalog.||) ' ' OPERATOR(pg_catalog.||) seq::pg_catalog.text
           OPERATOR(pg_catalog.||) ' ' OPERATOR(pg_catalog.||) pg_catalog.encode(content_hash,
             'hex'), 'UTF8'));
$function$;
COMMENT ON FUNCTION ruvector.healing_audit_link(bytea, bigint, bytea)
  IS 'Hash of a link of the chain: SHA-256 of the text "<previous hash> <seq> <content hash>".';

-- Chains what is not chained yet, in the order of the ids. Returns how many events, NULL when
-- another session is at it. Only in READ COMMITTED: an older snapshot does not see the head as it
-- is.
CREATE OR REPLACE FUNCTION ruvector.healing_audit_chain(patience interval DEFAULT '0',
  most integer DEFAULT 10000)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  give_up timestamptz := clock_timestamp() + patience;
  head ruvector.healing_audit_head;
  event ruvector.healing_events;
  chained integer := 0;
BEGIN
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    RETURN NULL;
  END IF;
  IF NOT EXISTS (SELECT FROM ruvector.healing_events e WHERE e.seq IS NULL) THEN
    RETURN 0;
  END IF;
  WHILE NOT ruvector.healing_try_lock('audit') LOOP
    IF clock_timestamp() >= give_up THEN
      RETURN NULL;
    END IF;
    PERFORM pg_sleep(0.002);
  END LOOP;
  SELECT h.* INTO head FROM ruvector.healing_audit_head h FOR UPDATE NOWAIT;
  IF NOT FOUND THEN
    -- Events with a place but no head: a dump that is just being restored, or somebody's doing. Not
    -- for us to go on from.
    IF EXISTS (SELECT FROM ruvector.healing_events e WHERE e.seq IS NOT NULL) THEN
      RETURN NULL;
    END IF;
    head := ruvector.healing_audit_start();
    chained := 1;
  END IF;
  FOR event IN
    SELECT e.* FROM ruvector.healing_events e WHERE e.seq IS NULL
      ORDER BY e.id LIMIT most FOR UPDATE NOWAIT
  LOOP
    head.seq := head.seq + 1;
    event.content_hash := coalesce(event.content_hash, ruvector.healing_event_hash(event));
    head.hash := ruvector.healing_audit_link(head.hash, head.seq, event.content_hash);
    UPDATE ruvector.healing_events e SET seq = head.seq, content_hash = event.content_hash,
      hash = head.hash WHERE e.id = event.id;
    chained := chained + 1;
  END LOOP;
  UPDATE ruvector.healing_audit_head h SET seq = head.seq, hash = head.hash;
  RETURN chained;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_audit_chain(interval, integer)
  IS 'Gives events their place in the hash chain.';

-- Its first event binds the chain to this database by a random number, and says which events are
-- older than the chain.
CREATE OR REPLACE FUNCTION ruvector.healing_audit_start()
RETURNS ruvector.healing_audit_head
LANGUAGE plpgsql
AS $function$
DECLARE
  earlier bigint := (SELECT pg_catalog.count(*) FROM ruvector.healing_events e
    WHERE e.content_hash IS NULL);
  event ruvector.healing_events;
  head ruvector.healing_audit_head;
BEGIN
  INSERT INTO ruvector.healing_events (kind, message, details)
  VALUES ('audit_started',
          CASE WHEN earlier OPERATOR(pg_catalog.>) 0
               THEN pg_catalog.format('The hash chain over the events begins here. %s older events '
                 'follow as they were found.', earlier)
               ELSE 'The hash chain over the events begins here.' END,
          pg_catalog.jsonb_build_object('chain', pg_catalog.gen_random_uuid(),
            'earlier_events', earlier, 'database', pg_catalog.current_database(),
            'version', ruvector.healing_version()))
  RETURNING * INTO event;
  -- Where session_replication_role is replica, no trigger has hashed it.
  event.content_hash := coalesce(event.content_hash, ruvector.healing_event_hash(event));
  head.seq := 1;
  head.hash := ruvector.healing_audit_link(pg_catalog.decode(pg_catalog.repeat('00', 32), 'hex'), 1,
    event.content_hash);
  UPDATE ruvector.healing_events e SET seq = head.seq, content_hash = event.content_hash,
    hash = head.hash WHERE e.id OPERATOR(pg_catalog.=) event.id;
  INSERT INTO ruvector.healing_audit_head AS h (seq, hash, base_hash)
  VALUES (head.seq, head.hash, pg_catalog.decode(pg_catalog.repeat('00', 32), 'hex'))
  RETURNING h.* INTO head;
  RETURN head;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_audit_start() IS 'Starts the hash chain.';

-- The hash of the content comes with the row: a change before the event is chained shows as well.
CREATE OR REPLACE FUNCTION ruvector.healing_event_inserted()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  NEW.content_hash := coalesce(NEW.content_hash, ruvector.healing_event_hash(NEW));
  RETURN NEW;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_event_inserted()
  IS 'Trigger: hashes the content of a new event.';

-- A transaction of somebody else must not fail, nor wait, because its event could not be chained
-- just now.
CREATE OR REPLACE FUNCTION ruvector.healing_event_committed()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  -- Asked first: in a SERIALIZABLE transaction even reading could make it fail.
  IF current_setting('transaction_isolation') IN ('read committed', 'read uncommitted')
     AND EXISTS (SELECT FROM ruvector.healing_events e WHERE e.id = NEW.id AND e.seq IS NULL) THEN
    PERFORM ruvector.healing_audit_chain('10 ms', 1000);
  END IF;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RAISE LOG 'ruvector_healing: event % is not chained yet: % %', NEW.id, SQLSTATE, SQLERRM;
  RETURN NULL;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_event_committed()
  IS 'Trigger at commit: chains the events of the transaction.';

CREATE OR REPLACE TRIGGER healing_event_inserted
  BEFORE INSERT ON ruvector.healing_events FOR EACH ROW
    EXECUTE FUNCTION ruvector.healing_event_inserted();
DO $trigger$
BEGIN
  -- There is no CREATE OR REPLACE CONSTRAINT TRIGGER.
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t
                  WHERE t.tgrelid = 'ruvector.healing_events'::pg_catalog.regclass
                    AND t.tgname = 'healing_event_committed') THEN
    CREATE CONSTRAINT TRIGGER healing_event_committed AFTER INSERT ON ruvector.healing_events
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.seq IS NULL)
        EXECUTE FUNCTION ruvector.healing_event_committed();
  END IF;
END
$trigger$;
