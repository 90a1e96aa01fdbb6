-- The only way by which JavaScript reaches SQL. Errors are caught here and handed over as JSON,
-- because five SQL errors caught in JavaScript end the whole server on PLJS (ERRORDATA_STACK_SIZE
-- exceeded: the engine does not flush PostgreSQL's error state). 30 microseconds a failing
-- statement, measured.
-- An answer has 64 MB at most: a text of 512 MB ends the whole server on plv8, and one that fills
-- JavaScript's memory leaves a subtransaction open there. Code of a table may raise megabytes of
-- text: 2,000 characters of each are kept (ruvector.healing_text; here by itself, because owners of
-- tables call it).
-- parameters: a JSON array of texts and nulls, read by the statement as ($1)[1], ($1)[2]...
CREATE OR REPLACE FUNCTION ruvector.healing_run(statement text, parameters text, wants_rows boolean)
RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  texts text[];
  one record;
  result json[] := '{}';
  answer json;
  affected bigint;
  error_detail text;
  error_hint text;
  error_constraint text;
BEGIN
  -- Not as it is declared, which no handler is for: long ones are written to a temporary file, and
  -- where temp_file_limit forbids that the error would go through JavaScript.
  texts := ARRAY(SELECT jsonb_array_elements_text(parameters::jsonb));
  IF wants_rows THEN
    FOR one IN EXECUTE statement USING texts LOOP
      result := array_append(result, row_to_json(one));
    END LOOP;
    answer := json_build_object('rows', array_to_json(result));
    IF octet_length(answer::text) > 67108864 THEN
      RAISE EXCEPTION USING ERRCODE = '54000',
        MESSAGE = 'a statement of the loop has an answer of more than 64 MB',
        DETAIL = format('%s rows, %s bytes.', cardinality(result), octet_length(answer::text));
    END IF;
    RETURN answer;
  END IF;
  EXECUTE statement USING texts;
  GET DIAGNOSTICS affected = ROW_COUNT;
  RETURN json_build_object('count', affected);
EXCEPTION
-- Not among OTHERS, and raised anew: what PL/pgSQL passes on by itself still points into memory of
-- this function (file names, the message's format), which is gone when plv8 has rolled back and
-- reads it. One cancel in some thousand ended the server so.
WHEN query_canceled THEN
  RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = left(SQLERRM, 2000);
WHEN OTHERS OR assert_failure THEN
  GET STACKED DIAGNOSTICS error_detail = PG_EXCEPTION_DETAIL, error_hint = PG_EXCEPTION_HINT,
    error_constraint = CONSTRAINT_NAME;
  RETURN json_build_object('error', json_build_object(
    'sqlstate', SQLSTATE, 'message', left(SQLERRM, 2000),
      'detail', nullif(left(error_detail, 2000), ''), 'hint', nullif(left(error_hint, 2000), ''),
    'constraint', nullif(error_constraint, '')));
END
$function$;
COMMENT ON FUNCTION ruvector.healing_run(text, text, boolean)
  IS 'Runs one statement for the bundle; returns {rows}, {count} or {error} as JSON text.';
