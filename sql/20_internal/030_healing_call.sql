-- One operation of the bundle, with its errors raised as they should be (SQLSTATE, DETAIL, HINT cannot be
-- raised portably from JavaScript). The settings pin what texts mean on their way through the waist.
CREATE OR REPLACE FUNCTION ruvector.healing_call(operation text, input jsonb)
RETURNS jsonb
LANGUAGE plpgsql
SET DateStyle = 'ISO, YMD'
SET TimeZone = 'UTC'
SET IntervalStyle = 'postgres'
SET extra_float_digits = 1
SET bytea_output = 'hex'
SET row_security = off
SET lock_timeout = '5s'
AS $function$
DECLARE
  answer jsonb;
BEGIN
  answer := ruvector.healing_javascript(ruvector.healing_bundle_hash(), operation, input::text)::jsonb;
  IF answer ? 'error' THEN
    RAISE EXCEPTION USING
      ERRCODE = answer #>> '{error,sqlstate}',
      MESSAGE = answer #>> '{error,message}',
      DETAIL = coalesce(answer #>> '{error,detail}', ''),
      HINT = coalesce(answer #>> '{error,hint}', '');
  END IF;
  RETURN answer -> 'result';
END
$function$;
COMMENT ON FUNCTION ruvector.healing_call(text, jsonb) IS 'Runs one operation of the bundle and raises its errors.';
