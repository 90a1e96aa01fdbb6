-- Registered collections by what the user typed: "table", "schema"."table", quoted or not. NULL:
-- none; several: ambiguous.
CREATE OR REPLACE FUNCTION ruvector.healing_collections_named(collection text)
RETURNS integer[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  parts text[];
BEGIN
  BEGIN
    parts := parse_ident(collection);
  EXCEPTION WHEN invalid_parameter_value THEN
    -- Not an identifier as it stands: it may still be the bare name of a registered table.
    parts := ARRAY[collection];
  END;
  RETURN (
    SELECT array_agg(c.collection_id ORDER BY c.collection_id)
      FROM ruvector.collections c
     WHERE (array_length(parts, 1) = 1 AND c.table_name IN (parts[1], collection))
        OR (array_length(parts, 1) = 2 AND c.schema_name = parts[1] AND c.table_name = parts[2])
        OR (array_length(parts, 1) = 2 AND c.table_name = collection));
END
$function$;
COMMENT ON FUNCTION ruvector.healing_collections_named(text)
  IS 'Ids of the registered collections that a name may mean.';

-- The one that is meant, or an error that says which there are.
CREATE OR REPLACE FUNCTION ruvector.healing_collection_in(scope text[], collection text)
RETURNS integer
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  found integer[];
  known text;
  place text;
BEGIN
  IF collection IS NULL THEN
    GET DIAGNOSTICS place = PG_CONTEXT;
    PERFORM ruvector.healing_no_collection(substring(place
      FROM 'ruvector_[a-z]+_[a-z0-9_]+'), scope);
  END IF;
  found := (SELECT array_agg(f ORDER BY f)
    FROM unnest(ruvector.healing_collections_named(collection)) f
    WHERE ruvector.healing_sees(scope, f));
  IF array_length(found, 1) = 1 THEN
    RETURN found[1];
  END IF;
  SELECT string_agg(format('%I.%I', c.schema_name, c.table_name), ', '
    ORDER BY c.collection_id) INTO known
    FROM ruvector.collections c
   WHERE (found IS NULL OR c.collection_id = ANY (found))
     AND ruvector.healing_sees(scope, c.collection_id);
  IF found IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'RV002', MESSAGE = format('collection "%s" is ambiguous',
      left(collection, 200)),
      DETAIL = format('It may be any of: %s.', known),
      HINT = 'Write it with its schema.';
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'RV002', MESSAGE = format('collection "%s" is not registered',
    left(collection, 200)),
    DETAIL = CASE WHEN known IS NULL THEN 'No collection is registered in this database.'
      ELSE format('Registered: %s.', known) END,
    HINT = ruvector.healing_instead(collection, ARRAY(SELECT format('%I.%I', c.schema_name,
      c.table_name) FROM ruvector.collections c WHERE ruvector.healing_sees(scope, c.collection_id)
      ORDER BY c.collection_id), scope);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_collection_in(text[], text)
  IS 'Id of a registered collection within a scope; RV002 when there is none of that name.';

-- Of what others have, not even the name.
CREATE OR REPLACE FUNCTION ruvector.healing_collection(collection text)
RETURNS integer
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN ruvector.healing_collection_in(ruvector.healing_tenant_scope(), collection);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_collection(text)
  IS 'Id of a registered collection; RV002 when there is none of that name.';
