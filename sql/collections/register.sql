-- SECURITY INVOKER on purpose: the table's name is looked up on the caller's search_path.
CREATE OR REPLACE FUNCTION public.ruvector_healing_register(
  collection text DEFAULT NULL, -- required
  options jsonb DEFAULT '{}'
)
RETURNS jsonb
LANGUAGE plpgsql
AS $function$
DECLARE
  relation pg_catalog.regclass;
  near pg_catalog.text;
BEGIN
  BEGIN
    -- A number would be taken for an oid, a dash for none.
    relation := CASE WHEN collection OPERATOR(pg_catalog.!~) '^(-|[0-9 ]+)$'
      THEN pg_catalog.to_regclass(collection) END;
  EXCEPTION WHEN invalid_name OR syntax_error OR invalid_parameter_value OR feature_not_supported
    THEN
    relation := NULL;
  WHEN insufficient_privilege THEN
    RAISE EXCEPTION USING ERRCODE = 'RV010', MESSAGE = pg_catalog.format(
      'role %I may not use the schema of %s', current_user, pg_catalog.left(collection, 200)),
      DETAIL = SQLERRM,
      HINT = pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I;', (pg_catalog.parse_ident(
        collection, false))[1], current_user);
  END;
  -- What was typed may be a bare name that would need quotes: "Emb T" for Emb T.
  IF relation IS NULL AND collection IS NOT NULL THEN
    relation := pg_catalog.to_regclass(pg_catalog.quote_ident(collection));
  END IF;
  IF relation IS NULL THEN
    near := ruvector.healing_nearest_table(collection);
    RAISE EXCEPTION USING
      ERRCODE = 'RV002',
      MESSAGE = CASE WHEN collection IS NULL THEN 'collection must not be null'
                     ELSE pg_catalog.format('table "%s" does not exist',
                       pg_catalog.left(collection, 200)) END,
      DETAIL = CASE WHEN pg_catalog.strpos(collection, '.') OPERATOR(pg_catalog.>) 0
        THEN 'Looked for it in the schema that was named.'
        ELSE pg_catalog.format('Looked for it on search_path %s.',
          pg_catalog.current_setting('search_path')) END,
      HINT = CASE WHEN near IS NULL THEN 'Name a table that holds a pgvector column, with its '
        'schema if it is not on the search_path. What to type for those there are: SELECT '
        'format(''SELECT ruvector_healing_register(%L);'', c.oid::regclass) FROM pg_class c '
        'WHERE c.relkind IN (''r'', ''p'') AND NOT c.relispartition AND '
        'c.relpersistence <> ''t'' AND EXISTS (SELECT FROM '
        'pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = c.oid AND '
        't.typname IN (''vector'', ''halfvec'', ''sparsevec''));'
        ELSE pg_catalog.format(
          'The nearest is %s: SELECT ruvector_healing_register(%L);', near, near) END;
  END IF;
  RETURN ruvector.healing_register(relation, options);
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_register(text, jsonb)
  IS 'Registers a table with vectors and says what was found: SELECT '
  'ruvector_healing_register(''embeddings'');';

CREATE OR REPLACE FUNCTION ruvector.healing_register(relation oid, options jsonb)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  place record;
  answer jsonb;
  caller constant name := ruvector.healing_caller();
BEGIN
  -- By a name nobody reaches a schema that is closed to them; the same holds for a number.
  SELECT n.nspname, c.relname INTO place
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.oid = healing_register.relation AND NOT has_schema_privilege(caller, n.oid, 'USAGE');
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'RV010', MESSAGE = format('role %I may not use schema %I',
      caller, place.nspname),
      DETAIL = format('Table %I is in it.', place.relname),
        HINT = format('GRANT USAGE ON SCHEMA %I TO %I;', place.nspname, caller);
  END IF;
  answer := ruvector.healing_call('register', jsonb_build_object('relation', relation::text,
    'options', options));
  PERFORM ruvector.healing_make_locks();
  RETURN answer;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_register(oid, jsonb)
  IS 'What ruvector_healing_register() calls once the table is found.';
