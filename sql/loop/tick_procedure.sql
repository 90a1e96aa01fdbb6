-- What pg_cron runs, by its name in schema ruvector: in public others may have made one of the same
-- name, and CALL finds two. Every phase is a transaction of its own: a tick that dies loses at most
-- one batch, and a writer waits for at most one batch. Not SECURITY DEFINER and without SET, so
-- that it can COMMIT; it therefore names every object with its schema. READ COMMITTED whatever the
-- role's default is: with an older snapshot a transaction neither sees the chain of events as it is
-- nor a row that another session changed meanwhile. Said to each transaction (AND CHAIN), and not
-- to the session, which would keep it where the tick fails.
CREATE OR REPLACE PROCEDURE ruvector.healing_tick()
LANGUAGE plpgsql
AS $procedure$
DECLARE
  collections integer[];
  awake integer[];
  one integer;
  began pg_catalog.timestamptz;
BEGIN
  IF pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.<>) 'read committed'
    THEN
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  END IF;
  collections := ruvector.healing_tick_begin();
  COMMIT AND CHAIN;
  awake := ruvector.healing_tick_rest(collections);
  COMMIT AND CHAIN;
  FOREACH one IN ARRAY awake LOOP
    began := pg_catalog.clock_timestamp();
    -- Written before anything of it is touched: should this session die or hang, the next tick
    -- knows at what.
    IF NOT ruvector.healing_turn_begin(one) THEN
      COMMIT AND CHAIN;
      CONTINUE;
    END IF;
    COMMIT AND CHAIN;
    WHILE ruvector.healing_tick_collection(one, 'batch',
            extract(epoch FROM pg_catalog.clock_timestamp()
              OPERATOR(pg_catalog.-) began)::pg_catalog.float8) LOOP
      COMMIT AND CHAIN;
    END LOOP;
    COMMIT AND CHAIN;
    PERFORM ruvector.healing_tick_collection(one, 'observe', 0);
    PERFORM ruvector.healing_turn_end(one,
      extract(epoch FROM pg_catalog.clock_timestamp()
        OPERATOR(pg_catalog.-) began)::pg_catalog.float8);
    COMMIT AND CHAIN;
  END LOOP;
  IF pg_catalog.array_length(collections, 1) OPERATOR(pg_catalog.>) 0 THEN
    PERFORM ruvector.healing_tick_end();
  END IF;
  COMMIT AND CHAIN;
  PERFORM ruvector.healing_audit_tick();
END
$procedure$;
COMMENT ON PROCEDURE ruvector.healing_tick()
  IS 'One turn of the loop over all collections, as pg_cron runs it.';

-- What PostgreSQL says of a COMMIT where there cannot be one, in the language of the server: a
-- function is always within a transaction.
CREATE OR REPLACE FUNCTION ruvector.healing_no_commit()
RETURNS text
LANGUAGE plpgsql
AS $function$
DECLARE
  said pg_catalog.text;
BEGIN
  COMMIT;
  RETURN NULL;
EXCEPTION WHEN invalid_transaction_termination THEN
  GET STACKED DIAGNOSTICS said = MESSAGE_TEXT;
  RETURN said;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_no_commit()
  IS 'What a COMMIT within a transaction is answered.';

CREATE OR REPLACE PROCEDURE public.ruvector_healing_tick()
LANGUAGE plpgsql
AS $procedure$
DECLARE
  said pg_catalog.text;
BEGIN
  -- Below an exception handler no COMMIT succeeds. Where it is refused for the handler alone, ticks
  -- can commit; where for the same reason as in a function, they are in somebody's transaction.
  BEGIN
    COMMIT;
  EXCEPTION WHEN invalid_transaction_termination THEN
    GET STACKED DIAGNOSTICS said = MESSAGE_TEXT;
  END;
  IF said OPERATOR(pg_catalog.=) ruvector.healing_no_commit() THEN
    RAISE EXCEPTION USING ERRCODE = 'RV019',
      MESSAGE = 'a tick cannot run inside a transaction: it commits after each batch',
      DETAIL = 'It was called between BEGIN and COMMIT, or from a function.',
      HINT = 'ROLLBACK; CALL ruvector_healing_tick();';
  END IF;
  CALL ruvector.healing_tick();
END
$procedure$;
COMMENT ON PROCEDURE public.ruvector_healing_tick()
  IS 'One turn of the loop over all collections: CALL ruvector_healing_tick(); Overlapping calls '
  'are harmless.';
