-- Tables of a collection that lack the triggers (installed = false), or have them.
CREATE OR REPLACE FUNCTION ruvector.healing_throttle_tables(relation oid, installed boolean)
RETURNS SETOF oid
LANGUAGE sql STABLE
AS $function$
  WITH RECURSIVE f(relid, depth) AS (SELECT relation, 0 UNION ALL SELECT i.inhrelid, f.depth + 1
    FROM f JOIN pg_inherits i ON i.inhparent = f.relid)
  SELECT c.oid FROM f JOIN pg_class c ON c.oid = f.relid
   WHERE c.relkind IN ('r', 'p')
     AND installed = EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgfoid IN (
           'ruvector.healing_throttle_before()'::regprocedure,
             'ruvector.healing_throttle_after()'::regprocedure))
   ORDER BY f.depth, c.oid;
$function$;

-- Installs them on one table, or answers false at once where the lock is not free (SHARE ROW
-- EXCLUSIVE: no writer may be at work).
CREATE OR REPLACE FUNCTION ruvector.healing_throttle_install(relation oid, collection_id integer)
RETURNS boolean
LANGUAGE plpgsql
AS $function$
DECLARE
  name text := relation::regclass;
  -- No partition has partitions itself: its rows are counted without looking further.
  depth text := CASE WHEN EXISTS (SELECT FROM pg_inherits i JOIN pg_inherits j
    ON j.inhparent = i.inhrelid WHERE i.inhparent = relation) THEN 'deep' ELSE 'flat' END;
BEGIN
  EXECUTE format('LOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE NOWAIT', name);
  -- As the writer's own rights allow: built-in functions alone. The setting is the session's, and
  -- may be any text: what is not this tenth of a second is an insert that is looked at, never one
  -- that fails.
  EXECUTE format('CREATE TRIGGER ruvector_healing_throttle_before BEFORE INSERT ON %s FOR EACH '
    'STATEMENT WHEN (pg_catalog.current_setting(%L, true) IS DISTINCT FROM '
    'pg_catalog."left"(pg_catalog.clock_timestamp()::text, 21)) '
    'EXECUTE FUNCTION ruvector.healing_throttle_before(%L, %L)', name,
    'ruvector_healing.throttle_pass_' || collection_id, collection_id, depth);
  -- Where the one before was not called, it left no turn to judge.
  EXECUTE format('CREATE TRIGGER ruvector_healing_throttle_after AFTER INSERT ON %s FOR EACH '
    'STATEMENT WHEN (current_setting(%L, true) NOT LIKE ''%% 0 0 %%'') '
    'EXECUTE FUNCTION ruvector.healing_throttle_after(%L, %L)', name,
    'ruvector_healing.throttle_' || collection_id, collection_id, depth);
  RETURN true;
EXCEPTION WHEN lock_not_available OR undefined_table THEN
  RETURN false;
END
$function$;

-- Removes them from one table, or answers false at once where the lock is not free (ACCESS
-- EXCLUSIVE: nobody may be at work).
CREATE OR REPLACE FUNCTION ruvector.healing_throttle_remove(relation oid)
RETURNS boolean
LANGUAGE plpgsql
AS $function$
DECLARE
  name text := relation::regclass;
  ours name;
BEGIN
  EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE NOWAIT', name);
  -- By what they call: somebody may have renamed them.
  FOR ours IN SELECT t.tgname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE t.tgrelid = relation AND p.pronamespace = 'ruvector'::regnamespace
      AND p.proname IN ('healing_throttle_before', 'healing_throttle_after') LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', ours, name);
  END LOOP;
  RETURN true;
EXCEPTION WHEN lock_not_available OR undefined_table THEN
  RETURN false;
END
$function$;

COMMENT ON SEQUENCE ruvector.healing_throttle_turns
  IS 'Counts the inserts that a throttle in mode reject has judged.';
COMMENT ON FUNCTION ruvector.healing_rows_inserted(oid)
  IS 'Rows this transaction has inserted into a table and its partitions so far.';
COMMENT ON FUNCTION ruvector.healing_throttle_memory(text)
  IS 'What the session remembers of its last throttled statement.';
COMMENT ON FUNCTION ruvector.healing_throttle_refuse(oid, double precision, timestamptz)
  IS 'Raises RV012 with the share and the end of the throttle.';
COMMENT ON FUNCTION ruvector.healing_throttle_before()
  IS 'Delays or rejects an insert while a throttle is on.';
COMMENT ON FUNCTION ruvector.healing_throttle_after()
  IS 'Tells bulk inserts from single ones while a throttle is on.';
COMMENT ON FUNCTION ruvector.healing_throttle_tables(oid, boolean)
  IS 'Tables of a collection with or without the throttle''s triggers, the collection''s own '
  'table first.';
COMMENT ON FUNCTION ruvector.healing_throttle_install(oid, integer)
  IS 'Installs the throttle''s triggers on one table; false: not free.';
COMMENT ON FUNCTION ruvector.healing_throttle_remove(oid)
  IS 'Removes the throttle''s triggers from one table; false: not free.';
