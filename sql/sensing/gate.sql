-- What an application asks before it does something: one primary-key read, so that it can be asked
-- for every statement. A gate must never be an outage of its own: without a reading that is known
-- to be of now it allows and says why. Only a reading older than five minutes asks for more than
-- that row: whether the loop runs, and how often, as everybody else is told (healing_loop).
CREATE OR REPLACE FUNCTION public.ruvector_integrity_gate(
  collection text DEFAULT NULL, -- required
  operation text DEFAULT NULL -- required
)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  wanted integer := ruvector.healing_collection(collection);
  -- A search disturbs nobody, a row has to be kept in order, and what runs long or rewrites much
  -- makes trouble worse.
  risk text := CASE
    WHEN operation IN ('low', 'search', 'select', 'read', 'recall') THEN 'low'
    WHEN operation IN ('medium', 'insert', 'update', 'delete', 'upsert') THEN 'medium'
    WHEN operation IN ('high', 'bulk_insert', 'copy', 'create_index', 'reindex', 'vacuum_full',
      'alter_table', 'drop_partition', 'migration') THEN 'high'
  END;
  reading record;
  too_old constant interval := '5 minutes';
  loop_condition text;
  loop_sentence text;
  loop_silence double precision;
  decision text;
BEGIN
  IF risk IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = CASE WHEN operation IS NULL
      THEN 'operation must not be null' ELSE 'there is no such operation' END,
      DETAIL = format('Got %s.', coalesce(quote_literal(left(operation, 200)), 'NULL')),
      HINT = 'Low risk: search, select, read, recall. Medium: insert, update, delete, upsert. '
        'High: bulk_insert, copy, create_index, reindex, vacuum_full, alter_table, drop_partition, '
        'migration. Or name the risk itself: low, medium, high.';
  END IF;
  SELECT s.state, s.lambda, s.sampled_at, clock_timestamp() - s.sampled_at > too_old
    AS stale INTO reading
    FROM ruvector.integrity_state s WHERE s.collection_id = wanted;
  IF reading.stale OR reading.state IS NULL THEN
    SELECT l.condition, l.sentence, l.silence_seconds INTO loop_condition, loop_sentence,
      loop_silence FROM ruvector.healing_loop() l;
  END IF;
  IF reading.stale THEN
    -- A loop that comes by the hour has not stopped; nor has one that is set to sample seldom.
    reading.stale := clock_timestamp() - reading.sampled_at
      > greatest(too_old, make_interval(secs => ruvector.healing_silence(
        (ruvector.healing_settings(wanted) ->> 'min_sample_interval_seconds')::float8,
        loop_silence)));
  END IF;
  decision := CASE
    WHEN reading.state IS NULL OR reading.stale OR reading.state = 0 OR risk = 'low' THEN 'allow'
    WHEN reading.state = 1 THEN CASE risk WHEN 'medium' THEN 'throttle' ELSE 'defer' END
    ELSE CASE risk WHEN 'medium' THEN 'defer' ELSE 'reject' END
  END;
  RETURN jsonb_build_object(
    'decision', decision, 'operation', operation, 'risk', risk,
    'state', (ARRAY['normal', 'stress', 'critical'])[reading.state + 1], 'lambda', reading.lambda,
    'sampled_at', ruvector.healing_timestamp(reading.sampled_at),
    'reason', CASE
      WHEN reading.state IS NULL THEN 'not sampled yet' || CASE WHEN loop_condition = 'running'
        THEN '' ELSE ': ' || loop_sentence END
      WHEN reading.stale
        THEN format('the last sample is of %s, too old to go by: %s',
        ruvector.healing_timestamp(reading.sampled_at),
        CASE WHEN loop_condition = 'running'
          THEN 'the loop runs, and has not come to this collection' ELSE loop_sentence END)
      ELSE format('%s-risk operation in state %s', risk,
        (ARRAY['normal', 'stress', 'critical'])[reading.state + 1]) END,
    'retry_after_seconds', CASE decision WHEN 'throttle' THEN 1 WHEN 'defer' THEN 30 WHEN 'reject'
      THEN 300 END);
END
$function$;
COMMENT ON FUNCTION public.ruvector_integrity_gate(text, text)
  IS 'Whether an operation should go ahead now (allow, throttle, defer, reject): SELECT '
  'ruvector_integrity_gate(''embeddings'', ''bulk_insert'');';
