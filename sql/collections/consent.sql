-- Whether the DEFAULT of a column takes its values from ruvector_healing_route() for this very
-- table: then the owner has said that the column only spreads the rows. The whole expression must
-- be one call with the table's name as a constant, casts around it. Its text alone says little
-- (somebody else may have made a function of that name): the catalogue says which function it
-- calls.
CREATE OR REPLACE FUNCTION ruvector.healing_routed_by_default(relation oid, attribute text)
RETURNS boolean
LANGUAGE plpgsql STABLE
-- So that the expression is always written alike.
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET standard_conforming_strings = on
AS $function$
DECLARE
  written text;
  parts text[];
BEGIN
  SELECT (regexp_match(pg_get_expr(d.adbin, d.adrelid),
           -- ((public.ruvector_healing_route('embeddings'::text))::character varying(10))::short; a
           -- second argument may be anything.
           $call$^\(*public\.ruvector_healing_route\((collection => |)$call$
             || $call$'(([^']|'')*)'::text(|, .*)\)$call$
             || $call$(\)*::[\w ."$]+(\([0-9, ]+\)|))*\)*$$call$))[2]
    INTO written
    FROM pg_attribute a
    JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    JOIN pg_depend o ON o.classid = 'pg_attrdef'::regclass AND o.objid = d.oid
      AND o.refclassid = 'pg_proc'::regclass
    JOIN pg_proc p ON p.oid = o.refobjid
    JOIN pg_namespace n ON n.nspname = 'ruvector' AND n.nspowner = p.proowner
   WHERE a.attrelid = relation AND a.attname = attribute AND a.attnum > 0 AND NOT a.attisdropped
     AND a.attgenerated = ''
     AND p.oid = to_regprocedure('public.ruvector_healing_route(text, text)');
  IF written IS NULL THEN
    RETURN false;
  END IF;
  written := replace(written, '''''', '''');
  BEGIN
    parts := parse_ident(written);
  EXCEPTION WHEN invalid_parameter_value THEN
    parts := ARRAY[written];
  END;
  -- As ruvector.healing_collections_named() reads it; the table need not be registered yet.
  RETURN EXISTS (
    SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = relation
       AND ((array_length(parts, 1) = 1 AND c.relname IN (parts[1], written))
         OR (array_length(parts, 1) = 2 AND n.nspname = parts[1] AND c.relname = parts[2])
         OR (array_length(parts, 1) = 2 AND c.relname = written)));
END
$function$;
COMMENT ON FUNCTION ruvector.healing_routed_by_default(oid, text)
  IS 'Whether a column''s DEFAULT is ruvector_healing_route() of its own table.';
