-- How far back, as people type it: a time ('yesterday', '2026-11-20 08:00') or how long ago
-- ('7 days'). `of` is the function that was called, for the HINT.
CREATE OR REPLACE FUNCTION ruvector.healing_since(since text, of text)
RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  got constant text := coalesce(quote_literal(left(since, 200)), 'NULL');
  at timestamptz;
  ago interval;
  meant text;
  -- Of this one the collection comes first.
  example constant text := CASE WHEN of = 'ruvector_integrity_history'
    THEN 'SELECT * FROM ruvector_integrity_history(NULL, ''7 days'');'
    ELSE format('SELECT * FROM %s(''7 days'');', of) END;
BEGIN
  BEGIN
    at := since::timestamptz;
  EXCEPTION WHEN data_exception THEN
    BEGIN
      ago := since::interval;
      at := now() - ago;
    EXCEPTION WHEN data_exception THEN
      NULL;
    END;
  END;
  IF ago <= interval '0' THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = 'since must be in the past',
      DETAIL = format('Got %s; an interval counts back from now.', got),
      HINT = example;
  END IF;
  IF at IS NULL THEN
    -- Whoever names a collection here wants what concerns it.
    meant := (SELECT format('%I.%I', c.schema_name, c.table_name) FROM ruvector.collections c
      WHERE ruvector.healing_sees(ruvector.healing_tenant_scope(), c.collection_id)
        AND c.collection_id = ANY (ruvector.healing_collections_named(since))
      ORDER BY c.collection_id LIMIT 1);
    RAISE EXCEPTION USING ERRCODE = 'RV001',
      MESSAGE = 'since must be a time, or an interval that counts back from now',
      DETAIL = format('Got %s%s.', got,
        CASE WHEN meant IS NULL THEN '' ELSE ', which is a collection' END),
      HINT = CASE
        WHEN meant IS NULL THEN example
        WHEN of = 'ruvector_integrity_history'
          THEN format('SELECT * FROM ruvector_integrity_history(%L, ''7 days'');', meant)
        WHEN of = 'ruvector_healing_report'
          THEN format('SELECT ruvector_healing_explain(%L);', meant)
        ELSE format('SELECT * FROM %s() WHERE collection = %L;', of, meant) END;
  END IF;
  RETURN at;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_since(text, text)
  IS 'The time that was typed as one, or as how long ago; RV001 otherwise.';
