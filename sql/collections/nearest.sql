-- The known name that a mistyped one most likely means, or NULL where none is near: for HINTs. By
-- Levenshtein's distance, two rows of it; the schema counts only where one was typed. What is long
-- is no typo of anything, and of very many names only those of about that length are looked at.
CREATE OR REPLACE FUNCTION ruvector.healing_nearest(typed text, known text[])
RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  wanted constant text := lower(replace(left(typed, 130), '"', ''));
  name text;
  one text;
  best text;
  -- One letter in three may be wrong; two, as two that changed places, but never all of them.
  nearest integer := least(greatest(length(wanted) / 3, 2) + 1, length(wanted));
  previous integer[];
  current integer[];
BEGIN
  IF wanted IS NULL THEN
    RETURN NULL;
  END IF;
  FOREACH name IN ARRAY coalesce(known, '{}') LOOP
    one := lower(replace(name, '"', ''));
    IF strpos(wanted, '.') = 0 THEN
      one := substr(one, strpos(one, '.') + 1);
    END IF;
    CONTINUE WHEN abs(length(one) - length(wanted)) >= nearest;
    previous := ARRAY(SELECT generate_series(0, length(one)));
    FOR i IN 1 .. length(wanted) LOOP
      current := ARRAY[i];
      FOR j IN 1 .. length(one) LOOP
        current := current || least(previous[j + 1] + 1, current[j] + 1,
          previous[j] + (substr(wanted, i, 1) <> substr(one, j, 1))::integer);
      END LOOP;
      previous := current;
    END LOOP;
    IF previous[length(one) + 1] < nearest THEN
      nearest := previous[length(one) + 1];
      best := name;
    END IF;
  END LOOP;
  RETURN best;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_nearest(text, text[])
  IS 'The known name nearest to what was typed, or NULL.';

-- The tables with vectors that can be registered (no partitions, nothing temporary), in schemas
-- that a role may use; the first 200 of them, because to compare one with what was typed takes up
-- to a millisecond.
CREATE OR REPLACE FUNCTION ruvector.healing_tables_for(role name)
RETURNS SETOF text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT DISTINCT format('%I.%I', n.nspname, c.relname)
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = a.atttypid
      AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
    JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'vector'
   WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
     AND has_schema_privilege(role, n.oid, 'USAGE')
   ORDER BY 1 LIMIT 200;
$function$;
COMMENT ON FUNCTION ruvector.healing_tables_for(name)
  IS 'Tables with vectors that a role may name.';

CREATE OR REPLACE FUNCTION ruvector.healing_nearest_table(typed text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT ruvector.healing_nearest(typed,
    ARRAY(SELECT t FROM ruvector.healing_tables_for(current_user) t));
$function$;
COMMENT ON FUNCTION ruvector.healing_nearest_table(text)
  IS 'The table with vectors whose name is nearest to what was typed, or NULL.';

-- What to type in the place of a collection that is not registered: it works as it stands. A table
-- of that name is registered; else the nearest that is registered, or could be; else what there is.
CREATE OR REPLACE FUNCTION ruvector.healing_instead(typed text, known text[], scope text[])
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  bare constant text := lower(replace(typed, '"', ''));
  -- Of what others have a viewer of one tenant learns no name.
  tables constant text[] := CASE WHEN scope IS NULL THEN ARRAY(
    SELECT t FROM ruvector.healing_tables_for(ruvector.healing_caller()) t
     WHERE t <> ALL (known)) ELSE '{}' END;
  listed constant text := 'SELECT collection_name FROM ruvector_healing_verdict();';
  wanted text;
BEGIN
  SELECT t INTO wanted FROM unnest(tables) t
   WHERE bare IN (lower(replace(t, '"', '')),
     lower(replace(substr(t, strpos(t, '.') + 1), '"', ''))) LIMIT 1;
  IF wanted IS NOT NULL THEN
    RETURN format('SELECT ruvector_healing_register(%L);', wanted);
  END IF;
  wanted := ruvector.healing_nearest(typed, known[1:200]);
  IF wanted IS NOT NULL THEN
    RETURN format('The nearest is %s. All there are: %s', wanted, listed);
  END IF;
  wanted := ruvector.healing_nearest(typed, tables);
  IF wanted IS NOT NULL THEN
    RETURN format('The nearest is %s, which is not registered: SELECT '
      'ruvector_healing_register(%L);', wanted, wanted);
  END IF;
  RETURN CASE WHEN known <> '{}' THEN format('Those there are: %s', listed)
    ELSE ruvector.healing_first_steps(tables[1]) END;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_instead(text, text[], text[])
  IS 'What to type where a collection was named that is not registered.';

CREATE OR REPLACE FUNCTION ruvector.healing_first_steps(relation text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE WHEN relation IS NULL
    THEN 'CREATE TABLE embeddings (id bigint PRIMARY KEY, embedding vector(3)); ' ELSE '' END
    || format('SELECT ruvector_healing_register(%L);', coalesce(relation, 'embeddings'));
$function$;
COMMENT ON FUNCTION ruvector.healing_first_steps(text)
  IS 'What registers a table with vectors, or where there is none makes one first.';

-- RV001 of a function that was called without its collection, with the statement to type: of the
-- one that is worst, or the table that is there to be registered.
CREATE OR REPLACE FUNCTION ruvector.healing_no_collection(called text, scope text[])
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  names constant text[] := ARRAY(SELECT format('%I.%I', c.schema_name, c.table_name)
    FROM ruvector.collections c LEFT JOIN ruvector.integrity_state s USING (collection_id)
    WHERE ruvector.healing_sees(scope, c.collection_id)
    ORDER BY s.lambda, c.collection_id LIMIT 20);
  more constant text := CASE called
    WHEN 'ruvector_healing_execute' THEN ', ''rebalance_partitions'', ''{"dry_run": true}'''
    WHEN 'ruvector_integrity_gate' THEN ', ''insert'''
    WHEN 'ruvector_integrity_report' THEN ', ''{"lambda": 1}''' ELSE '' END;
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = 'collection must not be null',
    DETAIL = CASE WHEN names = '{}' THEN 'Got NULL. No collection is registered in this database.'
      ELSE format('Got NULL. Registered: %s.', array_to_string(names, ', ')) END,
    HINT = CASE WHEN names = '{}'
      THEN ruvector.healing_first_steps(CASE WHEN scope IS NULL THEN (SELECT t FROM
        ruvector.healing_tables_for(ruvector.healing_caller()) t LIMIT 1) END)
      WHEN called IS NULL THEN format('Name one of them: %L.', names[1])
      ELSE format('SELECT %s%s(%L%s);', CASE WHEN EXISTS (SELECT FROM pg_proc p
        WHERE p.pronamespace = 'ruvector'::regnamespace AND p.proname = called AND p.proretset)
        THEN '* FROM ' ELSE '' END, called, names[1], more) END;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_no_collection(text, text[])
  IS 'RV001 with the statement to type, of a call without its collection.';
