-- What an application asks before it does something: one primary-key read, so that it can be asked
-- for every statement. A gate must never be an outage of its own: without a reading that is known
-- to be of now it allows and says why. Only a reading older than five minutes asks for more than
-- that row: whether the loop runs, and how often, as everybody else is told (healing_loop).

-- What is to be known of the loop, where the reading alone does not say it. jit: see healing_call.
CREATE OR REPLACE FUNCTION ruvector.healing_gate_loop(collection_id integer, sampled_at timestamptz,
  OUT stale boolean, OUT condition text, OUT sentence text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  -- A loop that comes by the hour has not stopped; nor has one that is set to sample seldom.
  SELECT clock_timestamp() - healing_gate_loop.sampled_at
           > greatest(interval '5 minutes', make_interval(secs => ruvector.healing_silence(
             (ruvector.healing_settings(healing_gate_loop.collection_id)
               ->> 'min_sample_interval_seconds')::float8, l.silence_seconds))),
         l.condition, l.sentence
    FROM ruvector.healing_loop() l;
$function$;
COMMENT ON FUNCTION ruvector.healing_gate_loop(integer, timestamptz)
  IS 'Whether a reading is too old for a loop like this one, and how the loop is.';

-- A search disturbs nobody, a row has to be kept in order, and what runs long or rewrites much
-- makes trouble worse. This and the next two without SET and FROM, so that they are inlined.
CREATE OR REPLACE FUNCTION ruvector.healing_gate_risk(operation text)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $function$
  SELECT CASE
    WHEN operation IN ('low', 'search', 'select', 'read', 'recall') THEN 'low'
    WHEN operation IN ('medium', 'insert', 'update', 'delete', 'upsert') THEN 'medium'
    WHEN operation IN ('high', 'bulk_insert', 'copy', 'create_index', 'reindex', 'vacuum_full',
      'alter_table', 'drop_partition', 'migration') THEN 'high'
  END;
$function$;
COMMENT ON FUNCTION ruvector.healing_gate_risk(text)
  IS 'The risk of an operation: low, medium, high; NULL: there is no such operation.';

-- blind: why the reading is not gone by; NULL: it is.
CREATE OR REPLACE FUNCTION ruvector.healing_gate_decision(risk text, state smallint, blind text)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $function$
  SELECT CASE
    WHEN blind IS NOT NULL OR state = 0 OR risk = 'low' THEN 'allow'
    WHEN state = 1 THEN CASE risk WHEN 'medium' THEN 'throttle' ELSE 'defer' END
    ELSE CASE risk WHEN 'medium' THEN 'defer' ELSE 'reject' END END;
$function$;
COMMENT ON FUNCTION ruvector.healing_gate_decision(text, smallint, text)
  IS 'allow, throttle, defer or reject.';

CREATE OR REPLACE FUNCTION ruvector.healing_gate_answer(operation text, risk text, state smallint,
  lambda double precision, sampled_at timestamptz, blind text)
RETURNS jsonb
LANGUAGE sql STABLE
AS $function$
  SELECT jsonb_build_object(
    'decision', ruvector.healing_gate_decision(risk, state, blind), 'operation', operation,
    'risk', risk, 'state', (ARRAY['normal', 'stress', 'critical'])[state + 1], 'lambda', lambda,
    'sampled_at', ruvector.healing_timestamp(sampled_at),
    'reason', coalesce(blind, risk || '-risk operation in state '
      || (ARRAY['normal', 'stress', 'critical'])[state + 1]),
    'retry_after_seconds', CASE ruvector.healing_gate_decision(risk, state, blind)
      WHEN 'throttle' THEN 1 WHEN 'defer' THEN 30 WHEN 'reject' THEN 300 END);
$function$;
COMMENT ON FUNCTION ruvector.healing_gate_answer(text, text, smallint, double precision,
  timestamptz, text) IS 'What the gate answers.';

-- Three of four parts of its time were the name and whose it may be. Nearly every call has a plain
-- name and a fresh reading, and nobody is limited to a tenant: that is one statement. All else goes
-- the long way.
CREATE OR REPLACE FUNCTION public.ruvector_integrity_gate(
  collection text DEFAULT NULL, -- required
  operation text DEFAULT NULL -- required
)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  answer jsonb;
  wanted integer;
  -- Found once: within the statement it would be compared with all operations ten times.
  risk constant text := ruvector.healing_gate_risk(operation);
  reading record;
  stale boolean;
  loop_condition text;
  loop_sentence text;
BEGIN
  SELECT ruvector.healing_gate_answer(ruvector_integrity_gate.operation, risk, s.state, s.lambda,
           s.sampled_at, NULL) INTO answer
    FROM ruvector.integrity_state s
   -- No join: it is made ready anew in each transaction. Several of that name are none.
   WHERE s.collection_id = (SELECT CASE count(*) WHEN 1 THEN max(c.collection_id) END
           FROM ruvector.collections c
          WHERE c.table_name = ruvector_integrity_gate.collection)
     AND risk IS NOT NULL
     AND clock_timestamp() - s.sampled_at <= interval '5 minutes'
     -- Lower case, as PostgreSQL reads what is not quoted.
     AND translate(ruvector_integrity_gate.collection,
       '_abcdefghijklmnopqrstuvwxyz0123456789', '') = ''
     AND ascii(ruvector_integrity_gate.collection) NOT BETWEEN 48 AND 57
     -- Nobody but its owner has it, so nobody is limited; whatever else stands there is looked into
     -- by ruvector.healing_tenant_scope().
     AND (SELECT p.proacl = ARRAY[makeaclitem(p.proowner, p.proowner, 'EXECUTE', false)]
            FROM pg_proc p
           WHERE p.proname = 'healing_level_tenant' AND p.pronamespace = 'ruvector'::regnamespace
             AND p.pronargs = 0);
  IF answer IS NOT NULL THEN
    RETURN answer;
  END IF;
  wanted := ruvector.healing_collection(collection);
  IF risk IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = CASE WHEN operation IS NULL
      THEN 'operation must not be null' ELSE 'there is no such operation' END,
      DETAIL = format('Got %s.', coalesce(quote_literal(left(operation, 200)), 'NULL')),
      HINT = 'Low risk: search, select, read, recall. Medium: insert, update, delete, upsert. '
        'High: bulk_insert, copy, create_index, reindex, vacuum_full, alter_table, drop_partition, '
        'migration. Or name the risk itself: low, medium, high.';
  END IF;
  SELECT s.state, s.lambda, s.sampled_at INTO reading
    FROM ruvector.integrity_state s WHERE s.collection_id = wanted;
  stale := clock_timestamp() - reading.sampled_at > interval '5 minutes';
  IF stale OR reading.state IS NULL THEN
    SELECT l.stale, l.condition, l.sentence INTO stale, loop_condition, loop_sentence
      FROM ruvector.healing_gate_loop(wanted, reading.sampled_at) l;
  END IF;
  RETURN ruvector.healing_gate_answer(operation, risk, reading.state, reading.lambda,
    reading.sampled_at, CASE
      WHEN reading.state IS NULL THEN 'not sampled yet' || CASE WHEN loop_condition = 'running'
        THEN '' ELSE ': ' || loop_sentence END
      WHEN stale THEN format('the last sample is of %s, too old to go by: %s',
        ruvector.healing_timestamp(reading.sampled_at), CASE WHEN loop_condition = 'running'
          THEN 'the loop runs, and has not come to this collection' ELSE loop_sentence END) END);
END
$function$;
COMMENT ON FUNCTION public.ruvector_integrity_gate(text, text)
  IS 'Whether an operation should go ahead now (allow, throttle, defer, reject): SELECT '
  'ruvector_integrity_gate(''embeddings'', ''bulk_insert'');';
