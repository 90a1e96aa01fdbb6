-- settings as a text: JSON, as a constant in quotes or a driver's parameter is; anything else is
-- answered with the statement that was meant: ('mode', 'observe'), ('mode=observe', 'docs').
CREATE OR REPLACE FUNCTION public.ruvector_healing_configure(settings text DEFAULT NULL,
  collection text DEFAULT NULL, more text DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  known constant jsonb := ruvector.healing_settings(0);
  document jsonb;
  pair constant text[] := regexp_match(settings,
    '^[[:space:]]*([[:alnum:]_]+)[[:space:]]*([=:[:space:]])[[:space:]]*([^[:space:]].*)$');
  key text := coalesce(pair[1], btrim(settings));
  value text := pair[3];
  of text := collection;
  example text;
BEGIN
  BEGIN
    document := settings::jsonb;
  EXCEPTION WHEN data_exception THEN
    NULL;
  END;
  IF jsonb_typeof(document) = 'object' AND more IS NULL THEN
    RETURN public.ruvector_healing_configure(document, collection);
  END IF;
  IF value IS NULL THEN
    value := collection;
    of := more;
  END IF;
  IF NOT jsonb_exists(known, coalesce(key, '')) THEN
    key := ruvector.healing_nearest(key, ARRAY(SELECT jsonb_object_keys(known)));
  END IF;
  IF key IS NOT NULL AND value IS NOT NULL THEN
    BEGIN
      -- As JSON where it is any and not of another type: 5, true, [1, 2, 3]; else a text.
      document := value::jsonb;
    EXCEPTION WHEN data_exception THEN
      document := to_jsonb(value);
    END;
    example := jsonb_build_object(key, document)::text;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = 'settings must be a JSON object',
    DETAIL = format('Got %s.', coalesce(quote_literal(left(settings, 200)), 'NULL')),
    HINT = format('SELECT ruvector_healing_configure(%s);', concat_ws(', ',
      quote_literal(coalesce(example, '{"mode": "observe"}')), quote_literal(of)));
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_configure(text, text, text)
  IS 'As it is typed: the same of a text that holds JSON; RV001 with what to type otherwise.';
