-- Tables that Citus distributes, and all others it manages: what is here of them is a shell, and to
-- ask for them is to ask other servers.
CREATE OR REPLACE FUNCTION ruvector.healing_distributed()
RETURNS SETOF oid
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL THEN
    BEGIN
      RETURN QUERY EXECUTE 'SELECT logicalrelid::oid FROM pg_catalog.pg_dist_partition';
    EXCEPTION WHEN undefined_table THEN
      -- Citus is being dropped: it was there, this waited for its lock, and it is gone.
      RETURN;
    END;
  END IF;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_distributed()
  IS 'Tables that Citus manages; none where there is no Citus.';

-- Those that are plainly there: a table of the registered name and oid with vectors in its column.
-- Without SET, so that it is inlined.
CREATE OR REPLACE FUNCTION ruvector.healing_found_as_registered(wanted integer[])
RETURNS TABLE (collection_id integer, relid oid)
LANGUAGE sql STABLE
AS $function$
  -- Each by its own rows: OFFSET 0 keeps this from reading all of pg_class, 90 rows to a collection
  -- of 16 partitions, and from looking up the types of all its columns (14 us a collection, now 6).
  SELECT c.collection_id, r.oid
    FROM ruvector.collections c
   CROSS JOIN LATERAL (SELECT k.oid, k.relname, k.relkind, k.relnamespace FROM pg_catalog.pg_class k
     WHERE k.oid = c.relid OFFSET 0) r
    JOIN pg_catalog.pg_namespace s ON s.oid = r.relnamespace AND s.nspname = c.schema_name
   CROSS JOIN LATERAL (SELECT a.atttypid FROM pg_catalog.pg_attribute a
     WHERE a.attrelid = r.oid AND a.attname = c.vector_column AND a.attnum > 0
       AND NOT a.attisdropped OFFSET 0) a
   WHERE r.relname = c.table_name AND r.relkind IN ('r', 'p')
     AND (wanted IS NULL OR c.collection_id = ANY (wanted))
     AND ((SELECT e.oid FROM pg_catalog.pg_extension e WHERE e.extname = 'vector')
         IN (SELECT d.refobjid FROM pg_catalog.pg_depend d
           WHERE d.classid = 'pg_catalog.pg_type'::regclass AND d.objid = a.atttypid
             AND d.deptype = 'e' AND d.refclassid = 'pg_catalog.pg_extension'::regclass)
       -- Bits, and domains: asked after the types that nearly all have.
       OR ruvector.healing_vector_type(a.atttypid) IS NOT NULL);
$function$;
COMMENT ON FUNCTION ruvector.healing_found_as_registered(integer[])
  IS 'Collections whose table is what it was when it was registered.';

-- The table behind each collection, by its name or renamed, and why it is not what was registered
-- (NULL: it is). Read from the catalogue alone: it asks for no right to the schema and locks
-- nothing. A name that another table took is followed where that one is of the same making: dump
-- and restore change the oid, and so does a nightly rebuild.
CREATE OR REPLACE FUNCTION ruvector.healing_found(wanted integer[] DEFAULT NULL)
RETURNS TABLE (collection_id integer, relid oid, reason text, hint text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
-- Planned for each array anew it is not kept.
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
DECLARE
  -- The others: NULL, as wanted is, where nothing is said of which.
  others integer[] := wanted;
  usual bigint;
BEGIN
  -- PL/pgSQL keeps the plan: asked before each batch, it took 3 ms to plan and less than one to
  -- run. And nearly all are what they were, by name and oid: to begin the last statement alone
  -- takes longer than the first two.
  IF to_regclass('pg_catalog.pg_dist_partition') IS NULL THEN
    RETURN QUERY SELECT u.collection_id, u.relid, NULL::text, NULL::text
      FROM ruvector.healing_found_as_registered(wanted) u;
    GET DIAGNOSTICS usual = ROW_COUNT;
    IF usual = (SELECT count(*) FROM ruvector.collections c
      WHERE wanted IS NULL OR c.collection_id = ANY (wanted)) THEN
      RETURN;
    END IF;
    others := ARRAY(SELECT c.collection_id FROM ruvector.collections c
      WHERE (wanted IS NULL OR c.collection_id = ANY (wanted))
        AND c.collection_id NOT IN (SELECT u.collection_id
          FROM ruvector.healing_found_as_registered(wanted) u));
  END IF;
  RETURN QUERY WITH distributed AS MATERIALIZED (
    SELECT d FROM ruvector.healing_distributed() d
  ), known AS (
    SELECT c.*, r.oid AS now, r.relkind, quote_literal(format('%I.%I', c.schema_name, c.table_name))
      AS name,
           CASE r.relkind WHEN 'v' THEN 'a view' WHEN 'm' THEN 'a materialized view' WHEN 'f'
             THEN 'a foreign table' WHEN 'S' THEN 'a sequence' WHEN 'c' THEN 'a type'
                          WHEN 'i' THEN 'an index' WHEN 'I' THEN 'an index'
                            ELSE 'no table' END AS kind,
           EXISTS (SELECT FROM pg_attribute a
                    WHERE a.attrelid = r.oid AND a.attname = c.vector_column AND a.attnum > 0
                      AND NOT a.attisdropped
                      AND ruvector.healing_vector_type(a.atttypid) IS NOT NULL) AS vectors,
           EXISTS (SELECT FROM pg_attribute a
                    WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
                      AND ruvector.healing_vector_type(a.atttypid) IS NOT NULL) AS any_vectors
      FROM ruvector.collections c
      LEFT JOIN pg_class r ON r.oid = coalesce(
             (SELECT n.oid
               FROM (SELECT k.oid FROM pg_class k JOIN pg_namespace s ON s.oid = k.relnamespace
               WHERE s.nspname = c.schema_name AND k.relname = c.table_name) n),
             -- Renamed: the same oid, still with the vector column.
             (SELECT a.attrelid FROM pg_attribute a JOIN pg_class k ON k.oid = a.attrelid
               AND k.relkind IN ('r', 'p')
               WHERE a.attrelid = c.relid AND a.attname = c.vector_column AND NOT a.attisdropped))
     WHERE others IS NULL OR c.collection_id = ANY (others)
  ), other AS (
    -- Another table under its name.
    SELECT k.collection_id,
           CASE WHEN w.strategy <> k.partition_strategy
             THEN format('it is partitioned by %s, and the one that was registered by %s',
             w.strategy, k.partition_strategy)
                WHEN (w.partition_column, w.partition_type)
                  IS DISTINCT FROM (k.partition_column, k.partition_type)
                  THEN 'its partition key is another one'
                WHEN w.primary_key <> (SELECT coalesce(jsonb_agg(p -> 'name'), '[]')
                  FROM jsonb_array_elements(k.primary_key) p)
                  THEN 'its primary key is another one' END AS difference
      FROM known k
     CROSS JOIN LATERAL (
       SELECT CASE p.partstrat WHEN 'l' THEN 'list' WHEN 'r' THEN 'range' WHEN 'h' THEN 'hash'
         ELSE 'none' END AS strategy,
              CASE WHEN p.partnatts = 1 THEN a.attname END::text AS partition_column,
                CASE WHEN p.partnatts = 1
                THEN format_type(a.atttypid, a.atttypmod) END AS partition_type,
              coalesce((SELECT jsonb_agg(x.attname ORDER BY u.place)
                          FROM pg_index i
                            CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY u(attnum,
                            place)
                          JOIN pg_attribute x ON x.attrelid = i.indrelid AND x.attnum = u.attnum
                         WHERE i.indrelid = k.now AND i.indisprimary AND u.place <= i.indnkeyatts),
                           '[]') AS primary_key
         FROM (SELECT) one LEFT JOIN pg_partitioned_table p ON p.partrelid = k.now
         LEFT JOIN pg_attribute a ON a.attrelid = k.now AND a.attnum = p.partattrs[0]
           AND a.attnum > 0) w
     WHERE k.now <> k.relid AND k.relkind IN ('r', 'p') AND k.vectors
  )
  SELECT k.collection_id, CASE WHEN f.reason IS NULL THEN k.now END, f.reason::text,
         CASE WHEN k.now IS NULL THEN format('SELECT ruvector_healing_unregister(%s);', k.name)
              WHEN f.reason LIKE 'distributed%'
                THEN 'Sense it where its shards are: each of them is a table there.'
              WHEN k.relkind IN ('r', 'p')
                AND k.vectors
                THEN format('If it is to be healed, register it as it is: SELECT '
                'ruvector_healing_unregister(%s); SELECT ruvector_healing_register(%s);', k.name,
                k.name)
              -- Renamed, or another column since: registering again finds it.
              WHEN k.relkind IN ('r', 'p')
                THEN CASE WHEN k.any_vectors
                  THEN format('SELECT ruvector_healing_register(%s);', k.name)
                  ELSE format('SELECT ruvector_healing_unregister(%s);', k.name) END
              ELSE format('SELECT ruvector_healing_unregister(%s); and register the '
                'table behind it.', k.name) END
    FROM known k LEFT JOIN other o USING (collection_id)
   CROSS JOIN LATERAL (SELECT CASE
     WHEN k.now IS NULL THEN 'its table is gone'
     WHEN EXISTS (SELECT FROM distributed d WHERE d.d = k.now) THEN 'distributed: not sensed'
     WHEN k.relkind NOT IN ('r', 'p') THEN format('its table is gone, and %s has its name', k.kind)
     WHEN NOT k.vectors
       THEN format('its table has no column %I of a vector type any more', k.vector_column)
     WHEN o.difference IS NOT NULL
       THEN format('another table has its name: %s', o.difference) END AS reason) f;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_found(integer[])
  IS 'The table behind each collection, or why it is not the one that was registered.';
