-- Retention. The chain may only lose its beginning, and only up to a place that was signed: that
-- signature, the place's hash in healing_audit_head and an event that records the removal stay, and
-- what remains is verified from there. What is broken is not removed: that would be the way to hide
-- it.
CREATE OR REPLACE FUNCTION ruvector.healing_audit_checkpoint(keep interval)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  head ruvector.healing_audit_head;
  upto bigint;
  checkpoint bigint;
  signed boolean := true;
  verified jsonb;
  last_hash bytea;
  removed bigint;
BEGIN
  IF NOT ruvector.healing_try_lock('audit') THEN
    RETURN 0;
  END IF;
  SELECT h.* INTO head FROM ruvector.healing_audit_head h;
  SELECT coalesce(min(e.seq) - 1, head.seq) INTO upto FROM ruvector.healing_events e
    WHERE e.seq IS NOT NULL AND e.at >= now() - keep;
  SELECT max(s.seq) INTO checkpoint FROM ruvector.healing_audit_signatures s WHERE s.seq <= upto;
  -- Without a signature (its signer is gone) events are kept for twice as long, not for ever.
  IF checkpoint IS NULL OR checkpoint <= head.base_seq THEN
    SELECT coalesce(min(e.seq) - 1, head.seq) INTO checkpoint FROM ruvector.healing_events e
      WHERE e.seq IS NOT NULL AND e.at >= now() - 2 * keep;
    signed := false;
  END IF;
  IF checkpoint IS NULL OR checkpoint <= head.base_seq THEN
    RETURN 0;
  END IF;
  verified := ruvector.healing_verify_audit(NULL, checkpoint, 'last');
  SELECT e.hash INTO last_hash FROM ruvector.healing_events e WHERE e.seq = checkpoint;
  IF NOT (verified ->> 'intact')::boolean OR last_hash IS NULL THEN
    IF NOT EXISTS (SELECT FROM ruvector.healing_events e WHERE e.kind = 'audit_broken'
      AND e.details -> 'broken' = verified -> 'broken') THEN
      INSERT INTO ruvector.healing_events (kind, message, details)
      VALUES ('audit_broken', format('Old events are not removed, the audit chain is broken. %s',
        verified ->> 'message'), jsonb_build_object('broken', verified -> 'broken'));
    END IF;
    RAISE LOG 'ruvector_healing: audit chain: %', verified ->> 'message';
    RETURN 0;
  END IF;
  DELETE FROM ruvector.healing_events e WHERE e.seq <= checkpoint;
  GET DIAGNOSTICS removed = ROW_COUNT;
  DELETE FROM ruvector.healing_audit_signatures s WHERE s.seq < checkpoint;
  UPDATE ruvector.healing_audit_head h SET base_seq = checkpoint, base_hash = last_hash,
    base_at = clock_timestamp();
  INSERT INTO ruvector.healing_events (kind, message, details)
  VALUES ('audit_checkpoint', format('%s events up to seq %s, older than %s, were removed.',
    removed, checkpoint, keep),
          jsonb_build_object('seq', checkpoint, 'hash', encode(last_hash, 'hex'),
            'removed', removed, 'signed', signed, 'kept_days', extract(epoch FROM keep) / 86400));
  PERFORM ruvector.healing_audit_chain('0', 2147483647);
  RETURN removed;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_audit_checkpoint(interval)
  IS 'Removes old events, leaving a signed place from which the chain goes on.';
