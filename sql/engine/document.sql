-- JSON that was given as a text, as a constant in quotes is taken for one where a function has both
-- forms: what it holds, or RV001 with the statement that was most likely meant. known has the names
-- there are, each with a value for an example, or null: 'movable' is {"movable": true}, and
-- 'max_moves=10' {"max_moves": 10}; otherwise stands for what is none of them (NULL: left out).
-- call is the function, and what was given before it.
CREATE OR REPLACE FUNCTION ruvector.healing_document(argument text, said text, known jsonb,
  otherwise jsonb, call text[])
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  pair constant text[] := regexp_match(said,
    '^[[:space:]]*([[:alnum:]_]+)[[:space:]]*[=:[:space:]][[:space:]]*([^[:space:]].*)$');
  key constant text := ruvector.healing_nearest(coalesce(pair[1], btrim(said)),
    ARRAY(SELECT jsonb_object_keys(known)));
  meant jsonb := CASE WHEN pair[2] IS NULL THEN nullif(known -> key, 'null') END;
BEGIN
  BEGIN
    RETURN said::jsonb;
  EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    NULL;
  END;
  IF key IS NOT NULL AND pair[2] IS NOT NULL THEN
    BEGIN
      -- As JSON where it is any: 5, true; else a text.
      meant := pair[2]::jsonb;
    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
      meant := to_jsonb(left(pair[2], 200));
    END;
  END IF;
  meant := CASE WHEN meant IS NULL THEN otherwise ELSE jsonb_build_object(key, meant) END;
  RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = format('%s must be JSON', argument),
    DETAIL = format('Got %s.', quote_literal(left(said, 200))),
    HINT = format('SELECT %s(%s);%s', call[1], concat_ws(', ',
      (SELECT string_agg(quote_nullable(left(c.given, 200)), ', ' ORDER BY c.place)
         FROM unnest(call[2:]) WITH ORDINALITY c (given, place)), quote_literal(meant)),
      CASE WHEN said LIKE '%[object %' THEN '  A driver that has the type of a parameter from the '
        'server sends an object as one where it is cast to jsonb.' ELSE '' END);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_document(text, text, jsonb, jsonb, text[])
  IS 'The JSON that a text holds, or RV001 with what to type.';
