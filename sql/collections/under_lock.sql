-- What a batch that moves rows locks, and asks before it and after.

-- Locks a table and its partitions, or fails at once (55P03): see lockTable() in
-- src/collection/lookup.ts. mode: reading (the least lock for that), or ROW EXCLUSIVE. same: it is
-- still the table that was meant; somebody may have put something else in its place since it was
-- looked up: what is locked now stays what it is.
CREATE OR REPLACE FUNCTION ruvector.healing_lock_table(relation oid, name text, mode text)
RETURNS json
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $function$
DECLARE
  held record;
BEGIN
  EXECUTE format('LOCK TABLE %s IN %s MODE NOWAIT', name, CASE mode WHEN 'reading'
    THEN ruvector.healing_reading_lock(relation) ELSE mode END);
  -- Indexes cannot be locked with NOWAIT, but everybody may read pg_locks.
  WITH RECURSIVE f(relid) AS (SELECT relation UNION SELECT i.inhrelid
    FROM f JOIN pg_inherits i ON i.inhparent = f.relid)
  SELECT k.relation::regclass::text AS index, k.pid INTO held
    FROM pg_locks k
   WHERE k.locktype = 'relation' AND k.mode = 'AccessExclusiveLock' AND k.pid <> pg_backend_pid()
     AND k.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
     AND k.relation IN (SELECT i.indexrelid FROM f JOIN pg_index i ON i.indrelid = f.relid) LIMIT 1;
  RETURN json_build_object('same', to_regclass(name)::oid IS NOT DISTINCT FROM relation,
    'index', held.index, 'pid', held.pid,
    'partitions', CASE mode WHEN 'reading' THEN NULL
      ELSE ruvector.healing_partitions(relation) END,
    'wal', CASE mode WHEN 'reading' THEN NULL ELSE pg_current_wal_insert_lsn() END,
    'others', CASE mode WHEN 'reading' THEN NULL ELSE ruvector.healing_others_at_work() END);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_lock_table(oid, text, text)
  IS 'Locks a table with its partitions at once or not at all, and says who has locked an index.';

-- Under that lock: what the conditions of consent look at, and what the moving statement is made
-- of. target: the partition that takes the rows.
CREATE OR REPLACE FUNCTION ruvector.healing_move_conditions(collection_id integer, relation oid,
  partitions oid[], target oid)
RETURNS json
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $function$
BEGIN
  RETURN (SELECT json_build_object(
    'facts', ruvector.healing_table_facts(relation, false),
    'moves', ruvector.healing_move_facts(relation, partitions),
    'options', c.options,
    'tenant', (SELECT json_build_object('quoted', quote_ident(a.attname),
        'type', format_type(a.atttypid, a.atttypmod))
      FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = c.tenant_column
       AND a.attnum > 0 AND NOT a.attisdropped),
    -- Columns of each plain unique index: the row mover looks there before it moves.
    'unique_keys', (SELECT coalesce(json_agg(k.columns), '[]') FROM (
      SELECT (SELECT json_agg(quote_ident(a.attname) ORDER BY u.place)
                FROM unnest(i.indkey::int2[]) WITH ORDINALITY u(attnum, place)
                JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.attnum
               WHERE u.place <= i.indnkeyatts) AS columns
        FROM pg_index i
       WHERE i.indrelid = target AND i.indisunique AND i.indpred IS NULL
         AND i.indexprs IS NULL) k))
    FROM (SELECT) one LEFT JOIN ruvector.collections c
      ON c.collection_id = healing_move_conditions.collection_id);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_move_conditions(integer, oid, oid[], oid)
  IS 'What may stand in the way of a batch that moves rows, and the unique keys of its target.';

-- Statements of other clients of this database that began within the last second: how many, and how
-- old they are on average. The longer statements take, the older are those that are met. A session
-- whose statement may not be seen is not counted.
CREATE OR REPLACE FUNCTION ruvector.healing_others_at_work()
RETURNS json
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  -- What this transaction has read of sessions before is kept until then.
  PERFORM pg_stat_clear_snapshot();
  RETURN (SELECT json_build_object('active', count(*), 'age_ms', avg(o.ms))
    FROM (SELECT 1000 * extract(epoch FROM clock_timestamp() - a.query_start)::float8 AS ms
            FROM pg_stat_activity a
           WHERE a.state = 'active' AND a.backend_type = 'client backend'
             AND a.datname = current_database() AND a.pid <> pg_backend_pid()) o
   WHERE o.ms BETWEEN 0 AND 1000);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_others_at_work()
  IS 'How many short statements of others run at this moment, and their mean age.';

-- Sessions that wait for locks of this one: writers of rows in flight, DDL.
CREATE OR REPLACE FUNCTION ruvector.healing_waiting_for_us()
RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $function$
BEGIN
  RETURN (
  WITH l AS MATERIALIZED (
    SELECT k.locktype, k.database, k.relation, k.transactionid, k.pid, k.granted FROM pg_locks k
  )
  SELECT count(DISTINCT w.pid)::integer FROM l w JOIN l h ON h.locktype = w.locktype
   WHERE NOT w.granted AND h.granted AND h.pid = pg_backend_pid() AND w.pid <> h.pid
     AND (h.transactionid = w.transactionid
       OR (h.locktype = 'relation' AND (h.database, h.relation) = (w.database, w.relation))));
END
$function$;
COMMENT ON FUNCTION ruvector.healing_waiting_for_us()
  IS 'How many sessions wait for locks of this one.';

-- Relations that this session has locked above ACCESS SHARE, beside our own few. What was locked is
-- looked up, and not all of pg_class for it: 3 of 40 ms of a batch, asked before it and after.
CREATE OR REPLACE FUNCTION ruvector.healing_relations_held()
RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $function$
BEGIN
  RETURN (
  WITH held AS MATERIALIZED (
    SELECT DISTINCT k.relation FROM pg_locks k
     WHERE k.pid = pg_backend_pid() AND k.locktype = 'relation' AND k.granted
       AND k.mode <> 'AccessShareLock'
  )
  SELECT count(*)::integer FROM held h
   WHERE CASE (SELECT c.relnamespace FROM pg_class c WHERE c.oid = h.relation)
     WHEN 'ruvector'::regnamespace THEN false
     -- A journal's TOAST table is ours as well.
     WHEN 'pg_toast'::regnamespace THEN h.relation <> ALL (ARRAY(
       SELECT o.reltoastrelid FROM pg_class o
        WHERE o.relnamespace = 'ruvector'::regnamespace AND o.reltoastrelid <> 0
        UNION ALL
       SELECT i.indexrelid FROM pg_class o JOIN pg_index i ON i.indrelid = o.reltoastrelid
        WHERE o.relnamespace = 'ruvector'::regnamespace AND o.reltoastrelid <> 0))
     ELSE true END);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_relations_held()
  IS 'How many relations that are not ours this session has locked above ACCESS SHARE.';
