-- The form the status document shows: 2024-01-15T10:30:00Z. STABLE as to_char is, and without SET:
-- so it is inlined.
CREATE OR REPLACE FUNCTION ruvector.healing_timestamp(at timestamptz)
RETURNS text
LANGUAGE sql STABLE
AS $function$
  SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"');
$function$;
COMMENT ON FUNCTION ruvector.healing_timestamp(timestamptz) IS 'ISO 8601 in UTC, to the second.';
