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

-- Of the tables with vectors that there are, but for partitions; of the first 200 of them, because
-- each takes up to a millisecond.
CREATE OR REPLACE FUNCTION ruvector.healing_nearest_table(typed text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT ruvector.healing_nearest(typed, ARRAY(
    SELECT DISTINCT format('%I.%I', n.nspname, c.relname)
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = a.atttypid
        AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
      JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'vector'
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND has_schema_privilege(n.oid, 'USAGE')
     ORDER BY 1 LIMIT 200));
$function$;
COMMENT ON FUNCTION ruvector.healing_nearest_table(text)
  IS 'The table with vectors whose name is nearest to what was typed, or NULL.';
