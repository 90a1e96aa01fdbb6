-- Texts that others write (error messages, names, notes, queries) are cut where they enter: 4 MB of
-- message in each tick grew the tables by 39 MB in five ticks.
CREATE OR REPLACE FUNCTION ruvector.healing_text(text text)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $function$
  SELECT CASE WHEN pg_catalog.length(healing_text.text) > 2000
    THEN pg_catalog.left(healing_text.text, 1997) || '...' ELSE healing_text.text END;
$function$;
COMMENT ON FUNCTION ruvector.healing_text(text)
  IS 'A text of at most 2,000 characters: what is longer is cut.';
