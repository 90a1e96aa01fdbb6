-- A setting and its value as people type them: ('mode', 'observe'), ('mode=observe', 'docs'), which
-- is answered with the statement that was meant; and JSON with a collection, as two constants in
-- quotes are taken for texts. Two texts at least: a driver's one parameter stays a jsonb, as the
-- parameters that are numbers and times do in functions that have no such other form.
CREATE OR REPLACE FUNCTION public.ruvector_healing_configure(setting text, value text,
  collection text DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  known constant jsonb := ruvector.healing_settings(0);
  document jsonb;
  pair constant text[] := regexp_match(setting,
    '^[[:space:]]*([[:alnum:]_]+)[[:space:]]*([=:[:space:]])[[:space:]]*([^[:space:]].*)$');
  key text := coalesce(pair[1], btrim(setting));
  wanted text := pair[3];
  of text := ruvector_healing_configure.value;
  example text;
BEGIN
  BEGIN
    document := setting::jsonb;
  EXCEPTION WHEN data_exception THEN
    NULL;
  END;
  IF jsonb_typeof(document) = 'object' AND collection IS NULL THEN
    -- Not by the function beside it: others may have made one of its name, and there were two.
    RETURN ruvector.healing_call('configure', jsonb_build_object('settings', document,
      'collection_id', CASE WHEN value IS NULL THEN 0
      ELSE ruvector.healing_collection(value) END));
  END IF;
  IF wanted IS NULL THEN
    wanted := value;
    of := collection;
  END IF;
  IF NOT jsonb_exists(known, coalesce(key, '')) THEN
    key := ruvector.healing_nearest(key, ARRAY(SELECT jsonb_object_keys(known)));
  END IF;
  IF key IS NOT NULL AND wanted IS NOT NULL THEN
    BEGIN
      -- As JSON where it is any and not of another type: 5, true, [1, 2, 3]; else a text.
      document := wanted::jsonb;
    EXCEPTION WHEN data_exception THEN
      document := to_jsonb(wanted);
    END;
    example := jsonb_build_object(key, document)::text;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = 'settings must be a JSON object',
    DETAIL = format('Got %s.', coalesce(quote_literal(left(setting, 200)), 'NULL')),
    HINT = format('SELECT ruvector_healing_configure(%s);', concat_ws(', ',
      quote_literal(coalesce(example, '{"mode": "observe"}')), quote_literal(of)));
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_configure(text, text, text)
  IS 'As it is typed: the same of a text that holds JSON; RV001 with what to type otherwise.';
