-- How an actuator outside the database (one that may change a Kubernetes workload, say) works for
-- the loop: it reports what it serves, takes requests, answers them. Plain SQL, so that any client
-- can be one. docs/strategies/scale-replicas.md.

CREATE OR REPLACE FUNCTION ruvector.healing_actuator_name(actuator text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE
AS $function$
BEGIN
  IF actuator IS NULL OR actuator !~ '^[[:graph:]]{1,200}$' THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001',
      MESSAGE = 'actuator must be a name of 1 to 200 characters without blanks',
      DETAIL = format('Got %s.', coalesce(quote_literal(left(actuator, 250)), 'NULL')),
      HINT = 'Give every process a name of its own: SELECT '
        'ruvector_healing_actuation_take(''actuator-1'');';
  END IF;
  RETURN actuator;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_actuator_name(text)
  IS 'The name when it is one; RV001 otherwise.';

-- What an actuator says is kept, and read with every sample: one of 50 MB was accepted. Real ones
-- have some 300 bytes.
CREATE OR REPLACE FUNCTION ruvector.healing_actuator_size(what text, document jsonb)
RETURNS void
LANGUAGE plpgsql IMMUTABLE
AS $function$
BEGIN
  IF octet_length(document::text) > 16384 THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = format('%s has more than 16384 bytes', what),
      DETAIL = format('Got %s bytes.', octet_length(document::text)),
      HINT = format('At most 16384 bytes: leave out of %s what the loop does not read.', what);
  END IF;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_actuator_size(text, jsonb)
  IS 'RV001 where a document of an actuator is too large.';

-- A request as its taker gets it.
CREATE OR REPLACE FUNCTION ruvector.healing_actuation_document(one ruvector.healing_actuations)
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT jsonb_build_object('id', one.id, 'kind', one.kind, 'target', one.target,
    'wanted', one.wanted, 'deadline', one.deadline,
    'seconds_left', extract(epoch FROM one.deadline - clock_timestamp()),
    'collection', one.collection, 'action_id', one.action_id,
    'cancel', one.cancel_requested_at IS NOT NULL);
$function$;
COMMENT ON FUNCTION ruvector.healing_actuation_document(ruvector.healing_actuations)
  IS 'A request to an actuator as JSON.';

-- An actuator silent for longer than actuator_report_seconds is taken for gone, so that is how long
-- a claim lasts without a report; 10 s at least, because an actuator relies on the word that a
-- request is its own for the seconds that scaling takes.
CREATE OR REPLACE FUNCTION ruvector.healing_claim_end(action_id bigint)
RETURNS timestamptz
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT clock_timestamp() + make_interval(secs => greatest(10, (ruvector.healing_settings(coalesce(
    (SELECT a.collection_id FROM ruvector.healing_actions a
      WHERE a.id = healing_claim_end.action_id), 0)) ->> 'actuator_report_seconds')::float8));
$function$;
COMMENT ON FUNCTION ruvector.healing_claim_end(bigint)
  IS 'How long, from now, the claim on a request of the action lasts.';

CREATE OR REPLACE FUNCTION public.ruvector_healing_actuator_report(actuator text, state jsonb)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  name text := ruvector.healing_actuator_name(actuator);
  example constant text :=
    'SELECT ruvector_healing_actuator_report(''actuator-1'', ''{"workload": '
    '"default/ruvector-read", "replicas": 2, "max_replicas": 10}'');';
  workload text := ruvector_healing_actuator_report.state ->> 'workload';
  field text;
  claims jsonb;
BEGIN
  PERFORM ruvector.healing_writable('actuator_report');
  PERFORM ruvector.healing_actuator_size('state', state);
  IF jsonb_typeof(state) IS DISTINCT FROM 'object' OR jsonb_typeof(state -> 'workload')
    IS DISTINCT FROM 'string' OR length(workload) NOT BETWEEN 1 AND 253 THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001',
      MESSAGE = 'state must name its workload in 1 to 253 characters',
      DETAIL = format('Got %s.', coalesce(left(state::text, 250), 'NULL')), HINT = example;
  END IF;
  FOREACH field IN ARRAY ARRAY['replicas', 'ready', 'max_replicas'] LOOP
    IF (field = 'replicas' OR coalesce(state -> field, 'null') <> 'null')
       AND (jsonb_typeof(state -> field) IS DISTINCT FROM 'number'
         OR state ->> field !~ '^[0-9]{1,6}$') THEN
      RAISE EXCEPTION USING ERRCODE = 'RV001',
        MESSAGE = format('state key "%s" must be a whole number, 0 or more', field),
        DETAIL = format('Got %s.', coalesce(left((state -> field)::text, 250), 'nothing')),
          HINT = example;
    END IF;
  END LOOP;
  IF coalesce(state -> 'leaving', 'false') NOT IN ('true', 'false') THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = 'state key "leaving" must be true or false',
      DETAIL = format('Got %s.', left((state -> 'leaving')::text, 250)), HINT = example;
  END IF;
  IF state -> 'leaving' = 'true' THEN
    -- What it is at is handed to the next who asks, and nothing is planned on it any more.
    UPDATE ruvector.healing_actuations r SET claimed_until = clock_timestamp()
     WHERE r.state = 'taken' AND r.taken_by = name
       AND r.target ->> 'workload' = ruvector_healing_actuator_report.state ->> 'workload';
    DELETE FROM ruvector.healing_actuators a WHERE a.actuator = name
      AND a.workload = ruvector_healing_actuator_report.state ->> 'workload';
    RETURN jsonb_build_object('workload', workload, 'left', true);
  END IF;
  -- A name for each process and workload: this many are a mistake, or no actuators.
  IF (SELECT count(*) FROM ruvector.healing_actuators a) >= 1000
     AND NOT EXISTS (SELECT FROM ruvector.healing_actuators a WHERE a.actuator = name
       AND a.workload = ruvector_healing_actuator_report.state ->> 'workload') THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001',
      MESSAGE = '1000 actuators and workloads are known already',
      DETAIL = format('Got a new one: %s, %s.', left(name, 200), left(workload, 200)),
      HINT = 'Keep to one name for each process; a name that has been silent for a day is '
        'forgotten. "leaving": true takes one away at once.';
  END IF;
  INSERT INTO ruvector.healing_actuators AS a (actuator, workload, state, reported_at)
  VALUES (name, workload, ruvector_healing_actuator_report.state, clock_timestamp())
  ON CONFLICT ON CONSTRAINT healing_actuators_pkey DO
    UPDATE SET state = excluded.state, reported_at = excluded.reported_at;
  -- Names come and go with the processes (a pod's, say): nothing is planned on one that was silent
  -- for so long.
  DELETE FROM ruvector.healing_actuators a
   WHERE (a.actuator, a.workload) IN (SELECT o.actuator, o.workload
     FROM ruvector.healing_actuators o
     WHERE o.reported_at < clock_timestamp() - interval '1 day' FOR UPDATE SKIP LOCKED);
  WITH renewed AS (
    UPDATE ruvector.healing_actuations r SET claimed_until = ruvector.healing_claim_end(r.action_id)
     WHERE r.state = 'taken' AND r.taken_by = name AND r.deadline > clock_timestamp()
       AND r.target ->> 'workload' = ruvector_healing_actuator_report.state ->> 'workload'
    RETURNING r.id, ruvector.healing_actuation_document(r) AS document
  )
  SELECT coalesce(jsonb_agg(n.document ORDER BY n.id), '[]') INTO claims FROM renewed n;
  RETURN jsonb_build_object('workload', workload, 'claims', claims, 'requests', (
    SELECT count(*) FROM ruvector.healing_actuations r
     WHERE r.state = 'requested' AND r.deadline > clock_timestamp()
       AND r.target ->> 'workload' = ruvector_healing_actuator_report.state ->> 'workload'));
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_actuator_report(text, jsonb)
  IS 'An actuator says what it serves, at least every 30 s: SELECT '
  'ruvector_healing_actuator_report(''actuator-1'', ''{"workload": "default/ruvector-read", '
  '"replicas": 2}'');';

-- Requests of one workload are handed out one after the other: never a second one while the first
-- is at work.
CREATE OR REPLACE FUNCTION public.ruvector_healing_actuation_take(actuator text)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  name text := ruvector.healing_actuator_name(actuator);
  one ruvector.healing_actuations;
BEGIN
  PERFORM ruvector.healing_writable('actuation_take');
  SELECT r.* INTO one
    FROM ruvector.healing_actuations r
   WHERE r.deadline > clock_timestamp()
     -- One whose taker has fallen silent is handed out again, unless it was to be given up.
     AND (r.state = 'requested' OR (r.state = 'taken' AND r.claimed_until <= clock_timestamp()
       AND r.cancel_requested_at IS NULL))
     AND EXISTS (SELECT FROM ruvector.healing_actuators a WHERE a.actuator = name
       AND a.workload = r.target ->> 'workload')
     -- What nobody waits for any more (its table was dropped, its undo took too long) is not
     -- carried out.
     AND EXISTS (SELECT FROM ruvector.healing_actions a WHERE a.id = r.action_id
       AND a.state IN ('executing', 'rolling_back'))
     -- An older one counts also while another session is just taking it (its row is locked, and
     -- still reads as requested).
     AND NOT EXISTS (SELECT FROM ruvector.healing_actuations o
                      WHERE o.id < r.id AND o.state IN ('requested', 'taken')
                        AND o.deadline > clock_timestamp()
                        AND o.target ->> 'workload' = r.target ->> 'workload')
   ORDER BY r.id
   LIMIT 1
     FOR UPDATE SKIP LOCKED;
  IF one.id IS NULL THEN
    RETURN NULL;
  END IF;
  UPDATE ruvector.healing_actuations
     SET state = 'taken', taken_by = name, taken_at = clock_timestamp(),
       claimed_until = ruvector.healing_claim_end(one.action_id)
   WHERE id = one.id;
  RETURN ruvector.healing_actuation_document(one);
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_actuation_take(text)
  IS 'The next request for an actuator, or NULL: SELECT '
  'ruvector_healing_actuation_take(''actuator-1'');';

CREATE OR REPLACE FUNCTION public.ruvector_healing_actuation_answer(id bigint, ok boolean,
  answer jsonb DEFAULT '{}')
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  one ruvector.healing_actuations;
  outcome text := CASE WHEN ok THEN 'succeeded' ELSE 'failed' END;
  late boolean;
BEGIN
  PERFORM ruvector.healing_writable('actuation_answer');
  PERFORM ruvector.healing_actuator_size('answer', answer);
  IF id IS NULL OR ok IS NULL OR jsonb_typeof(answer) IS DISTINCT FROM 'object' THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001',
      MESSAGE = 'an answer has an id, whether it went well, and a JSON object',
      DETAIL = format('Got id %s, ok %s, answer %s.', coalesce(id::text, 'NULL'),
        coalesce(ok::text, 'NULL'), coalesce(left(answer::text, 200), 'NULL')),
      HINT = 'SELECT ruvector_healing_actuation_answer(7, true, ''{"replicas": 3}'');';
  END IF;
  -- The undo goes by it: -3.7 replicas were left alone as somebody else's.
  IF coalesce(answer -> 'replicas', 'null') <> 'null'
     AND (jsonb_typeof(answer -> 'replicas') <> 'number'
       OR answer ->> 'replicas' !~ '^[0-9]{1,6}$') THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001',
      MESSAGE = 'answer key "replicas" must be a whole number, 0 or more',
      DETAIL = format('Got %s.', left((answer -> 'replicas')::text, 250)),
      HINT = format('Request %s waits for an answer: SELECT '
        'ruvector_healing_actuation_answer(%1$s, %s, ''{"replicas": 3}'');', id, ok);
  END IF;
  SELECT r.* INTO one FROM ruvector.healing_actuations r
    WHERE r.id = ruvector_healing_actuation_answer.id FOR UPDATE;
  IF one.id IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'RV022', MESSAGE = format('there is no request %s', id),
      DETAIL = 'Requests are numbered from 1.',
      HINT = 'Answer with the id that ruvector_healing_actuation_take() gave.';
  END IF;
  -- An actuator that lost its connection while it answered may say it again.
  IF one.state = outcome THEN
    RETURN jsonb_build_object('id', one.id, 'state', one.state);
  END IF;
  -- Who took too long and was followed by another has nothing to say any more; it is checked where
  -- an answer names its actuator.
  IF one.state = 'taken' AND jsonb_exists(answer, 'actuator') AND one.taken_by
    IS DISTINCT FROM answer ->> 'actuator' THEN
    RAISE EXCEPTION USING ERRCODE = 'RV024', MESSAGE = format('request %s is at work elsewhere',
      id),
      DETAIL = format('It was taken by %s; this answer is of %s.', one.taken_by,
        left(answer ->> 'actuator', 200)),
      HINT = 'Drop it: whoever has it now answers.';
  END IF;
  late := one.state = 'taken' AND one.deadline <= clock_timestamp();
  IF one.state <> 'taken' OR late THEN
    RAISE EXCEPTION USING ERRCODE = 'RV023', MESSAGE = format('request %s takes no answer any more',
      id),
      DETAIL = CASE WHEN late OR one.state = 'expired'
        THEN format('It had to be answered by %s.', one.deadline)
        ELSE format('It is %s.', one.state) END,
      HINT = 'Drop it and take the next one: if it has to be undone, that is a request of its own.';
  END IF;
  UPDATE ruvector.healing_actuations r
     SET state = outcome, answered_at = clock_timestamp(),
       answer = ruvector_healing_actuation_answer.answer
   WHERE r.id = one.id;
  RETURN jsonb_build_object('id', one.id, 'state', outcome);
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_actuation_answer(bigint, boolean, jsonb)
  IS 'An actuator answers a request it took: SELECT ruvector_healing_actuation_answer(7, true, '
  '''{"replicas": 3}''); late answers are refused (RV023).';
