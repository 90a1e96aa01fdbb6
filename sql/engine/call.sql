CREATE OR REPLACE FUNCTION ruvector.healing_busy(operation text, collection_id integer)
RETURNS jsonb
LANGUAGE plpgsql
AS $function$
DECLARE
  name text := (SELECT format('%I.%I', c.schema_name, c.table_name) FROM ruvector.collections c
    WHERE c.collection_id = healing_busy.collection_id);
  holder integer := CASE operation WHEN 'configure' THEN (SELECT h.pid
    FROM ruvector.healing_lock_holders('settings') h LIMIT 1)
                                   ELSE (SELECT h.pid
                                     FROM ruvector.healing_lock_holders('collection') h
                                     WHERE h.id = healing_busy.collection_id LIMIT 1) END;
  -- It may have ended a moment ago.
  hint text := coalesce(format('SELECT pid, state, xact_start, query FROM pg_stat_activity '
    'WHERE pid = %s;', holder), 'Try again.');
  message text :=
    'another session is working on this collection in a transaction that has not ended';
BEGIN
  IF operation = 'configure' THEN
    RAISE EXCEPTION USING ERRCODE = 'RV008',
      MESSAGE = 'another session is changing settings in a transaction that has not ended',
      DETAIL = 'Waited 5 s.', HINT = hint;
  END IF;
  IF (SELECT o.when_busy FROM ruvector.healing_operations() o
      WHERE o.name = operation) = 'error' THEN
    RAISE EXCEPTION USING ERRCODE = 'RV008', MESSAGE = message,
      DETAIL = format('Collection %s; waited 5 s.', name), HINT = hint;
  END IF;
  RETURN jsonb_build_object('outcome', 'deferred', 'collection', name, 'reason', 'collection_busy',
    'message', message, 'measured', NULL, 'flips_at', 'the end of that transaction',
    'hint', hint, 'action_id', NULL);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_busy(text, integer)
  IS 'The answer when another session holds a collection for longer than 5 s.';

-- PostgreSQL's own message has neither, and statement_timeout may be of the role or the database.
CREATE OR REPLACE FUNCTION ruvector.healing_interrupted(operation text)
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT jsonb_build_object(
    'detail', format('Operation %s was interrupted: nothing of it is kept. statement_timeout is '
      '%s.', operation, current_setting('statement_timeout')),
    'hint', CASE current_setting('statement_timeout') WHEN '0' THEN 'Call it again.'
      ELSE 'SET statement_timeout = 0;  and call it again.' END);
$function$;
COMMENT ON FUNCTION ruvector.healing_interrupted(text)
  IS 'What to say, and to type, where a timeout or a cancel ended an operation.';

-- One operation of the bundle, with its errors raised as they should be (SQLSTATE, DETAIL, HINT
-- cannot be raised portably from JavaScript). The settings pin what texts mean on their way through
-- the waist.
CREATE OR REPLACE FUNCTION ruvector.healing_call(operation text, input jsonb)
RETURNS jsonb
LANGUAGE plpgsql
SET DateStyle = 'ISO, YMD'
SET TimeZone = 'UTC'
SET IntervalStyle = 'postgres'
SET extra_float_digits = 1
SET bytea_output = 'hex'
-- The names of collections are kept: quoted in one session and not in another, they would be two.
SET quote_all_identifiers = off
SET row_security = off
SET lock_timeout = '5s'
-- Statements of the bundle are read as they were written; in SQL files a literal with a backslash
-- is E'...', because a body is read as the session that first calls it has set this.
SET standard_conforming_strings = on
-- Catalogue queries over many objects look dear to the planner, and are compiled for seconds to run
-- for milliseconds: on PostgreSQL 17 a look for untrusted code took 7.5 s instead of 0.07. (Off for
-- the functions that people and monitors call, too.)
SET jit = off
AS $function$
DECLARE
  answer jsonb;
  line jsonb;
  give_up timestamptz := clock_timestamp() + interval '5 seconds';
  own record;
  locked integer;
  thrown text;
BEGIN
  SELECT * INTO STRICT own FROM ruvector.healing_operations() o WHERE o.name = operation;
  IF octet_length(input::text) > own.most_bytes THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = format('the arguments have more than %s kB',
      own.most_bytes / 1024),
      DETAIL = format('Got %s bytes.', octet_length(input::text)),
      HINT = format('Write it shorter, at most %s bytes%s.', own.most_bytes,
        CASE operation WHEN 'report'
        THEN ': of a graph, the nodes and edges that count' ELSE '' END);
  END IF;
  IF own.writes THEN
    PERFORM ruvector.healing_writable(operation);
  END IF;
  locked := CASE own.locks
    WHEN 'collection' THEN (input ->> 'collection_id')::integer
    WHEN 'settings' THEN 0
    -- Registered again, as src/collection/lookup.ts finds it: a tick that came to its row would
    -- wait for this transaction to end, and all others with it.
    WHEN 'registered' THEN (
      SELECT c.collection_id
        FROM pg_catalog.pg_class k JOIN pg_catalog.pg_namespace n ON n.oid = k.relnamespace
        JOIN ruvector.collections c ON c.relid = k.oid
          OR (c.schema_name = n.nspname AND c.table_name = k.relname)
       WHERE k.oid = (input ->> 'relation')::oid LIMIT 1)
    WHEN 'action' THEN (SELECT a.collection_id
      FROM ruvector.healing_actions a WHERE a.id::text = input ->> 'action_id')
  END;
  -- Asked for again and again, never waited for: once PLJS 1.0.5 has run in a session, neither
  -- lock_timeout nor a cancel ends a wait in it (measured: 12 s at a lock_timeout of 1 s), because
  -- it replaces the signal handler.
  WHILE locked IS NOT NULL AND NOT ruvector.healing_try_lock(
    -- Settings are one object for everybody: rules between them hold over all layers.
    CASE own.locks WHEN 'settings' THEN 'settings' ELSE 'collection' END, locked) LOOP
    IF clock_timestamp() > give_up THEN
      RETURN ruvector.healing_busy(operation, locked);
    END IF;
    PERFORM pg_sleep(0.02);
  END LOOP;
  PERFORM ruvector.healing_start_engine();
  IF '{{LANGUAGE}}' = 'pljs' THEN
    -- A statement_timeout or a cancel that meets JavaScript of PLJS ends it as an XX000 of its own.
    -- (plv8 raises 57014, and nothing may catch what it raises: see healing_start_engine.)
    BEGIN
      answer := ruvector.healing_javascript(ruvector.healing_bundle_hash(), operation,
        (input || jsonb_build_object('transaction', now()))::text)::jsonb;
    EXCEPTION WHEN internal_error THEN
      GET STACKED DIAGNOSTICS thrown = PG_EXCEPTION_DETAIL;
      IF thrown NOT LIKE 'InternalError: interrupted%' THEN
        RAISE;
      END IF;
      -- In a tick it stays an error like others, of one collection: a cancel would end all of it.
      RAISE EXCEPTION USING
        ERRCODE = CASE WHEN operation LIKE 'tick%' THEN 'XX000' ELSE '57014' END,
        MESSAGE = 'canceling statement due to statement timeout or user request',
        DETAIL = ruvector.healing_interrupted(operation) ->> 'detail',
        HINT = ruvector.healing_interrupted(operation) ->> 'hint';
    END;
  ELSE
    answer := ruvector.healing_javascript(ruvector.healing_bundle_hash(), operation,
      (input || jsonb_build_object('transaction', now()))::text)::jsonb;
  END IF;
  -- Said here and not in JavaScript: plv8 raises a cancel that is due at the end of its elog(),
  -- over V8's head.
  FOR line IN SELECT * FROM jsonb_array_elements(answer -> 'said') LOOP
    CASE line ->> 0
      WHEN 'log' THEN RAISE LOG '%', line ->> 1;
      WHEN 'warning' THEN RAISE WARNING '%', line ->> 1;
      ELSE RAISE NOTICE '%', line ->> 1;
    END CASE;
  END LOOP;
  IF jsonb_exists(answer, 'error') THEN
    -- Of those that answer with a guard's refusal, where there is one, and write where not.
    IF answer #>> '{error,sqlstate}' = '25006' THEN
      PERFORM ruvector.healing_writable(operation);
    ELSIF answer #>> '{error,sqlstate}' = '53400' THEN
      answer := answer || jsonb_build_object('error', answer -> 'error'
        || (SELECT to_jsonb(t) FROM ruvector.healing_temporary_files() t));
    ELSIF answer #>> '{error,sqlstate}' = '57014' THEN
      answer := jsonb_set(answer, '{error}',
        (answer -> 'error') || ruvector.healing_interrupted(operation));
    END IF;
    RAISE EXCEPTION USING
      ERRCODE = answer #>> '{error,sqlstate}',
      MESSAGE = answer #>> '{error,message}',
      DETAIL = coalesce(answer #>> '{error,detail}', ''),
      HINT = coalesce(answer #>> '{error,hint}', '');
  END IF;
  RETURN answer -> 'result';
END
$function$;
COMMENT ON FUNCTION ruvector.healing_call(text, jsonb)
  IS 'Runs one operation of the bundle and raises its errors.';
