-- Checks of the arguments that the history functions share.
CREATE OR REPLACE FUNCTION ruvector.healing_limit(limit_ integer)
RETURNS integer
LANGUAGE plpgsql IMMUTABLE
AS $function$
BEGIN
  IF limit_ IS NULL OR limit_ < 0 THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = 'limit_ must be a whole number, 0 or more',
      DETAIL = format('Got %s.', coalesce(limit_::text, 'NULL')),
        HINT = 'Leave it out for the default, or write limit_ := 20.';
  END IF;
  RETURN limit_;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_limit(integer) IS 'limit_ when it is one; RV001 otherwise.';

CREATE OR REPLACE FUNCTION ruvector.healing_since(since timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE
AS $function$
BEGIN
  IF since IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = 'since must not be null',
      DETAIL = 'Got NULL.',
      HINT = 'Leave it out for the last 24 hours, or write since := now() - interval ''7 days''.';
  END IF;
  RETURN since;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_since(timestamptz) IS 'since when it is one; RV001 otherwise.';
