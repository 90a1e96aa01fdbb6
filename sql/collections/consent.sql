-- The name that the DEFAULT of a column hands to ruvector_healing_route(), as it is written there;
-- NULL: it does not call it. The whole expression must be one call with the name as a constant,
-- casts around it. Its text alone says little (somebody else may have made a function of that
-- name): the catalogue says which function it calls.
CREATE OR REPLACE FUNCTION ruvector.healing_routed_name(relation oid, attribute text)
RETURNS text
LANGUAGE plpgsql STABLE
-- So that the expression is always written alike.
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET standard_conforming_strings = on
AS $function$
DECLARE
  written text;
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
  RETURN replace(written, '''''', '''');
END
$function$;
COMMENT ON FUNCTION ruvector.healing_routed_name(oid, text)
  IS 'The name in a DEFAULT that is ruvector_healing_route().';

-- Whether it is for this very table: then the owner has said that the column only spreads the rows.
CREATE OR REPLACE FUNCTION ruvector.healing_routed_by_default(relation oid, attribute text)
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  written constant text := ruvector.healing_routed_name(relation, attribute);
  parts text[];
BEGIN
  IF written IS NULL THEN
    RETURN false;
  END IF;
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

-- Registered collections whose own DEFAULT asks for this name. It stays in the DEFAULT when the
-- table is renamed, and whoever writes to the table knows of neither.
CREATE OR REPLACE FUNCTION ruvector.healing_collections_routed(name text)
RETURNS integer[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT array_agg(DISTINCT c.collection_id)
    FROM pg_depend o
    JOIN pg_attrdef d ON d.oid = o.objid
    JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    JOIN ruvector.collections c ON c.relid = d.adrelid
   WHERE o.classid = 'pg_attrdef'::regclass AND o.refclassid = 'pg_proc'::regclass
     AND o.refobjid = to_regprocedure('public.ruvector_healing_route(text, text)')
     AND ruvector.healing_routed_name(d.adrelid, a.attname) = healing_collections_routed.name;
$function$;
COMMENT ON FUNCTION ruvector.healing_collections_routed(text)
  IS 'Ids of the collections whose DEFAULT calls ruvector_healing_route() with a name.';
