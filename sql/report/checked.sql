CREATE OR REPLACE FUNCTION ruvector.healing_report(since timestamptz, format text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  asked constant timestamptz := since;
  document jsonb;
BEGIN
  IF format IS NULL OR lower(format) NOT IN ('text', 'json') THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = 'format must be text or json',
      DETAIL = pg_catalog.format('Got %s.', coalesce(quote_literal(left(format, 200)), 'NULL')),
      HINT = 'SELECT ruvector_healing_report(''7 days'', ''json'');';
  END IF;
  IF since > now() THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = 'since must be in the past',
      DETAIL = pg_catalog.format('Got %s; now it is %s.', since, now()),
      HINT = 'SELECT ruvector_healing_report(''7 days'');';
  END IF;
  -- Nothing is older than the first event and the first registration: '-infinity' is all of it.
  since := greatest(since, least(now(), (SELECT min(e.at) FROM ruvector.healing_events e),
    (SELECT min(c.registered_at) FROM ruvector.collections c)) - interval '1 second');
  document := ruvector.healing_report_document(since)
    || jsonb_build_object('all_kept', asked < since);
  IF lower(format) = 'json' THEN
    RETURN NEXT document::text;
  ELSE
    RETURN QUERY SELECT * FROM ruvector.healing_report_lines(document);
  END IF;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_report(timestamptz, text)
  IS 'The report in one of its forms, or RV001.';
