-- What a text holds as JSON, where it is an object; NULL otherwise.
CREATE OR REPLACE FUNCTION ruvector.healing_json_object(said text)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  document jsonb;
BEGIN
  document := said::jsonb;
  RETURN CASE WHEN jsonb_typeof(document) = 'object' THEN document END;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
  RETURN NULL;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_json_object(text)
  IS 'A text as a JSON object, or NULL where it is none.';

-- Settings as people type them: a word instead of JSON, a setting and its value: ('mode',
-- 'observe'), ('mode=observe', 'docs'), the two arguments the other way round: answered with the
-- statement that was meant; and JSON, which a constant in quotes is taken for a text of. So is a
-- driver's one parameter without a type, which holds JSON too; one that passes objects casts it:
-- $1::jsonb.
CREATE OR REPLACE FUNCTION ruvector.healing_configure_typed(setting text, value text,
  collection text)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  known constant jsonb := ruvector.healing_settings(0);
  document jsonb := ruvector.healing_json_object(setting);
  swapped constant jsonb := ruvector.healing_json_object(value);
  pair constant text[] := regexp_match(setting,
    '^[[:space:]]*([[:alnum:]_]+)[[:space:]]*([=:[:space:]])[[:space:]]*([^[:space:]].*)$');
  key text := coalesce(pair[1], btrim(setting));
  wanted text := pair[3];
  of text := healing_configure_typed.value;
  example text;
BEGIN
  IF (document IS NOT NULL OR setting IS NULL AND value IS NULL) AND collection IS NULL THEN
    -- Not by the function beside it: others may have made one of its name, and there were two.
    RETURN ruvector.healing_call('configure', jsonb_build_object('settings', document,
      'collection_id', CASE WHEN value IS NULL THEN 0
      ELSE ruvector.healing_collection(value) END));
  END IF;
  IF wanted IS NULL THEN
    wanted := value;
    of := collection;
  END IF;
  IF jsonb_exists(known, coalesce(key, '')) THEN
    example := jsonb_build_object(key, known -> key)::text;
  ELSIF EXISTS (SELECT FROM jsonb_object_keys(swapped) k WHERE jsonb_exists(known, k)) THEN
    example := value;
    of := setting;
    wanted := NULL;
  ELSE
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
COMMENT ON FUNCTION ruvector.healing_configure_typed(text, text, text)
  IS 'Settings that were typed as texts: done where they are JSON, else RV001 with what to type.';

CREATE OR REPLACE FUNCTION public.ruvector_healing_configure(setting text)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$ SELECT ruvector.healing_configure_typed(setting, NULL, NULL) $function$;
COMMENT ON FUNCTION public.ruvector_healing_configure(text)
  IS 'As it is typed: the same of a text that holds JSON; RV001 with what to type otherwise.';

CREATE OR REPLACE FUNCTION public.ruvector_healing_configure(setting text, value text,
  collection text DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$ SELECT ruvector.healing_configure_typed(setting, value, collection) $function$;
COMMENT ON FUNCTION public.ruvector_healing_configure(text, text, text)
  IS 'As it is typed: the same of a text that holds JSON; RV001 with what to type otherwise.';
