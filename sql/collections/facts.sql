-- What the catalogues say about a table and its partitions, for registration, for plans, and under
-- the lock of each batch that moves rows. PL/pgSQL keeps the plans: unprepared, planning was 80 %
-- of their time, and half of what a batch of 500 rows took beside its own statement.
-- whole: with its columns, which a batch does not ask for.
CREATE OR REPLACE FUNCTION ruvector.healing_table_facts(relation oid, whole boolean DEFAULT true)
RETURNS json
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $function$
BEGIN
  RETURN (
  WITH t AS (
    SELECT c.*, n.nspname, p.partstrat, p.partnatts, p.partattrs
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_partitioned_table p ON p.partrelid = c.oid
     WHERE c.oid = relation
  ), leaves AS (
    SELECT c.oid, c.relkind, c.relname
      FROM t JOIN pg_inherits i ON i.inhparent = t.oid JOIN pg_class c ON c.oid = i.inhrelid
     WHERE t.relkind = 'p'
  ), family AS (
    SELECT oid FROM t UNION SELECT oid FROM leaves
  )
  SELECT row_to_json(f) FROM (
  SELECT t.oid::text AS relid, t.nspname AS schema_name, t.relname AS table_name,
         format('%I.%I', t.nspname, t.relname) AS qualified, t.relkind AS kind,
         t.relispartition AS is_partition,
         t.oid IN (SELECT ruvector.healing_distributed()) AS distributed,
         CASE t.partstrat WHEN 'l' THEN 'list' WHEN 'r' THEN 'range' WHEN 'h' THEN 'hash'
           ELSE 'none' END AS partition_strategy,
         (SELECT json_build_object('name', a.attname, 'quoted', quote_ident(a.attname),
                   'type', format_type(a.atttypid, a.atttypmod),
                   'generated', a.attgenerated <> '' OR a.attidentity = 'a',
                   'routed', ruvector.healing_routed_by_default(t.oid, a.attname))
            FROM pg_attribute a
           WHERE a.attrelid = t.oid AND t.partnatts = 1 AND a.attnum = t.partattrs[0]
             AND a.attnum > 0) AS partition_column,
         coalesce((SELECT json_agg(json_build_object('name', a.attname,
           'quoted', quote_ident(a.attname),
           'type', format_type(a.atttypid, a.atttypmod)) ORDER BY k.place)
             FROM pg_index i
            CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place)
             JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum
            WHERE i.indrelid = t.oid AND i.indisprimary
              AND k.place <= i.indnkeyatts), '[]') AS primary_key,
         -- The columns of pgvector's types, and whether an index of pgvector's is on them; of bits
         -- where one is.
         CASE WHEN whole THEN coalesce((SELECT json_agg(json_build_object('name', a.attname,
           'type', format_type(a.atttypid, a.atttypmod), 'indexed', x.indexed)
           -- An array of vectors is served where there is nothing else: no index is on it.
           ORDER BY v.is_array, a.attnum)
             FROM pg_attribute a
            CROSS JOIN LATERAL (SELECT ruvector.healing_vector_type(a.atttypid) AS kind,
              (SELECT t.typcategory = 'A' FROM pg_type t WHERE t.oid = a.atttypid) AS is_array) v
            CROSS JOIN LATERAL (SELECT EXISTS (SELECT
              FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
              JOIN pg_am am ON am.oid = ic.relam
             WHERE i.indrelid IN (SELECT oid FROM family) AND am.amname IN ('ivfflat', 'hnsw')
               AND (SELECT x.attname FROM pg_attribute x
                     WHERE x.attrelid = i.indrelid AND x.attnum = i.indkey[0]) = a.attname)
               AS indexed) x
            WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
              AND (v.kind = 'vector' OR v.kind = 'bit' AND x.indexed)), '[]') END
           AS vector_columns,
         CASE WHEN whole THEN coalesce((SELECT json_agg(a.attname ORDER BY a.attnum)
             FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum > 0
              AND NOT a.attisdropped), '[]') END AS columns,
         (SELECT how FROM ruvector.healing_access(t.oid)) AS access,
         t.relpersistence = 't' AS temporary, quote_ident(t.nspname) AS schema_quoted,
         has_schema_privilege(t.relnamespace, 'USAGE') AS may_enter,
         has_table_privilege(t.oid, 'SELECT') AS may_select,
         has_table_privilege(t.oid, 'UPDATE')
           AND has_table_privilege(t.oid, 'SELECT') AS may_update,
         quote_ident(pg_get_userbyid(t.relowner)) AS owner, pg_has_role(current_user, t.relowner,
           'USAGE') AS owns,
         quote_ident(current_user) AS installer
    FROM t) f);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_table_facts(oid, boolean)
  IS 'What a table is: its partition key, primary key, vector columns and rights; NULL: it is '
  'gone.';

-- (load 30, 2 cores).
CREATE OR REPLACE FUNCTION ruvector.healing_partitions(relation oid)
RETURNS json
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $function$
BEGIN
  RETURN (
  WITH RECURSIVE foreign_or_above(relid) AS (
    SELECT ftrelid FROM pg_foreign_table UNION SELECT i.inhparent
      FROM foreign_or_above f JOIN pg_inherits i ON i.inhrelid = f.relid
  )
  SELECT coalesce(json_agg(row_to_json(p)), '[]') FROM (
  SELECT c.oid::text AS relid, format('%I.%I', n.nspname, c.relname) AS qualified,
         c.relname AS label, c.relkind AS kind,
         c.oid IN (SELECT relid FROM foreign_or_above) AS foreign,
         coalesce(pg_get_expr(c.relpartbound, 0), '') AS bound
    FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE i.inhparent = relation AND c.relispartition
     -- DETACH ... CONCURRENTLY was begun: no statement on the table comes to it any more.
     AND NOT i.inhdetachpending
   ORDER BY c.relname, n.nspname) p);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_partitions(oid)
  IS 'The partitions of a table with their bounds, by name.';
