-- What an actuator sends to webhooks: the transitions that NOTIFY tells, in the order of the chain.
-- A place in the chain is given out at the commit, under a lock that lasts until then: whoever has
-- seen place 7 misses nothing before it, as would happen by the ids.

-- The row of a webhook, which is this actuator's while it asks for it at least once a minute; NULL:
-- another one's. Of a new one the position is the end of the chain: what was before is no news.
CREATE OR REPLACE FUNCTION ruvector.healing_alerts_row(actuator text, endpoint text)
RETURNS ruvector.healing_alerts
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  name constant text := ruvector.healing_actuator_name(actuator);
  one ruvector.healing_alerts;
BEGIN
  IF endpoint IS NULL OR endpoint !~ '^[[:graph:]]{1,63}$' THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001',
      MESSAGE = 'endpoint must be a name of 1 to 63 characters without blanks',
      DETAIL = format('Got %s.', coalesce(quote_literal(left(endpoint, 100)), 'NULL')),
      HINT = 'Names and not addresses: SELECT * FROM ruvector_healing_alerts(''actuator-1'', '
        '''slack'');';
  END IF;
  PERFORM ruvector.healing_writable('alerts');
  INSERT INTO ruvector.healing_alerts AS a (endpoint, position, actuator)
  VALUES (endpoint, coalesce((SELECT h.seq FROM ruvector.healing_audit_head h), 0), name)
  ON CONFLICT ON CONSTRAINT healing_alerts_pkey DO UPDATE
     SET actuator = excluded.actuator, asked_at = excluded.asked_at,
         -- Of a database that was set back.
         position = least(a.position, excluded.position)
   WHERE a.actuator = excluded.actuator
      OR a.asked_at < clock_timestamp() - interval '1 minute'
  RETURNING a.* INTO one;
  RETURN one;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_alerts_row(text, text)
  IS 'The row of a webhook, or NULL where another actuator sends to it.';

CREATE OR REPLACE FUNCTION public.ruvector_healing_alerts(actuator text, endpoint text,
  limit_ integer DEFAULT 500)
RETURNS TABLE (seq bigint, at timestamptz, kind text, collection text, action_id bigint,
  message text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  one constant ruvector.healing_alerts := ruvector.healing_alerts_row(actuator, endpoint);
BEGIN
  RETURN QUERY
    SELECT e.seq, e.at, e.kind, e.collection, e.action_id, ruvector.healing_told(e)
      FROM ruvector.healing_events e
     WHERE one.endpoint IS NOT NULL AND e.seq > one.position AND e.seq <> ALL (one.ahead)
       AND ruvector.healing_is_told(e.kind)
     ORDER BY e.seq LIMIT ruvector.healing_limit(limit_);
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_alerts(text, text, integer)
  IS 'Transitions that a webhook of an actuator has not been sent, the oldest first; none while '
  'another actuator sends to it: SELECT * FROM ruvector_healing_alerts(''actuator-1'', ''slack'');';

CREATE OR REPLACE FUNCTION public.ruvector_healing_alerts_sent(actuator text, endpoint text,
  seqs bigint[])
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  one ruvector.healing_alerts := ruvector.healing_alerts_row(actuator, endpoint);
  head constant bigint := coalesce((SELECT h.seq FROM ruvector.healing_audit_head h), 0);
  sent bigint[];
BEGIN
  IF one.endpoint IS NULL THEN
    RETURN false;
  END IF;
  IF seqs IS NULL OR cardinality(seqs) > 10000 OR array_position(seqs, NULL) IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = 'seqs must be up to 10000 places',
      DETAIL = format('Got %s.', coalesce(cardinality(seqs)::text, 'NULL')),
      HINT = 'As ruvector_healing_alerts() gave them: ARRAY[7, 8].';
  END IF;
  sent := ARRAY(SELECT DISTINCT s FROM unnest(one.ahead || seqs) s
    WHERE s > one.position AND s <= head);
  -- Up to the first that still waits.
  one.position := coalesce((SELECT min(e.seq) - 1 FROM ruvector.healing_events e
    WHERE e.seq > one.position AND e.seq <> ALL (sent) AND ruvector.healing_is_told(e.kind)), head);
  UPDATE ruvector.healing_alerts a SET position = one.position,
         ahead = ARRAY(SELECT s FROM unnest(sent) s WHERE s > one.position ORDER BY s)
   WHERE a.endpoint = one.endpoint;
  RETURN true;
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_alerts_sent(text, text, bigint[])
  IS 'Says that a webhook was sent these, or need not be; false: another actuator sends to it: '
  'SELECT ruvector_healing_alerts_sent(''actuator-1'', ''slack'', ARRAY[7, 8]);';
