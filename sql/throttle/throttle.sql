-- The throttle of a collection: the newest lease of kind 'throttle' that has neither ended nor run
-- out. Nothing but its rows is asked, so that a throttle ends with its lease although nobody comes
-- to remove the triggers, and the one before it holds again. Two statement triggers on the table
-- and its partitions call these functions, only while a throttle is on; statement triggers, because
-- rows that the loop moves by UPDATE fire row triggers for INSERT, and a row trigger would slow
-- every row.

-- Which of 100 statements in a row a percentage takes: each number 0 to 99 comes once, well mixed,
-- in all sessions together.
CREATE SEQUENCE IF NOT EXISTS ruvector.healing_throttle_turns MINVALUE 0 START 0;

-- Rows this transaction has inserted into a table or its partitions, by the backend's own counters:
-- free, unlike a transition table, which would keep a copy of every row.
CREATE OR REPLACE FUNCTION ruvector.healing_rows_inserted(relation oid)
RETURNS bigint
LANGUAGE sql VOLATILE
AS $function$
  WITH RECURSIVE f(relid) AS (SELECT relation UNION ALL SELECT i.inhrelid
    FROM f JOIN pg_inherits i ON i.inhparent = f.relid)
  SELECT coalesce(sum(pg_stat_get_xact_tuples_inserted(f.relid)), 0)::bigint FROM f;
$function$;

CREATE OR REPLACE FUNCTION ruvector.healing_throttle_refuse(relation oid, percent double precision,
  ends timestamptz)
RETURNS void
LANGUAGE plpgsql
AS $function$
DECLARE
  remaining double precision := extract(epoch FROM ends - clock_timestamp());
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'RV012',
    MESSAGE = format('insert into %s was rejected: ingestion is throttled', relation::regclass),
    DETAIL = format('%s %% of such statements are rejected, until %s at the latest.',
      round(percent::numeric, 1), ruvector.healing_timestamp(ends)),
    HINT = format('Try the statement again in %s s. SELECT ruvector_healing_status() '
      'shows the lease.',
                  ceil(greatest(1, least(remaining, 100 / greatest(100 - percent, 0.1)))));
END
$function$;

-- What a session remembers of its last statement: {time, bulk or single, turn, rows inserted
-- before}; NULL: nothing. A setting may be set by anybody: what is no memory of ours is none.
CREATE OR REPLACE FUNCTION ruvector.healing_throttle_memory(collection text)
RETURNS text[]
LANGUAGE sql STABLE
AS $function$
  SELECT string_to_array(m.memory, ' ')
    FROM (SELECT current_setting('ruvector_healing.throttle_' || collection, true)) m(memory)
   WHERE m.memory ~ E'^\\d{1,10}\\.\\d{1,9} (bulk|single) -{0,1}\\d{1,3}( \\d{1,18}){0,1}$';
$function$;

-- Before the statement has locked a row. mode delay: a session that has been away from here for w
-- seconds (its statement, its commit, its own thinking) sleeps w * p / (100 - p): it comes by (100
-- - p) % as often as it would. mode reject: p of 100 statements raise RV012. What the memory of the
-- session holds, as text in a setting: when it last left here, and whether its last statement was
-- bulk.
CREATE OR REPLACE FUNCTION ruvector.healing_throttle_before()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  level record;
  memory text[] := ruvector.healing_throttle_memory(TG_ARGV[0]);
  bulk boolean;
  percent double precision;
  work double precision;
  pause double precision;
  turn integer;
BEGIN
  SELECT (l.target ->> 'insert_pct')::float8 AS insert_pct, (l.target ->> 'bulk_pct')::float8
    AS bulk_pct, l.target ->> 'mode' AS mode,
         (l.target ->> 'max_delay_seconds')::float8 AS max_delay, l.expires_at INTO level
    FROM ruvector.healing_leases l
   WHERE l.collection_id = TG_ARGV[0]::integer AND l.ended_at IS NULL
     AND l.expires_at > clock_timestamp() AND l.kind = 'throttle'
   ORDER BY l.id DESC LIMIT 1;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  bulk := current_query() ~* E'^\\s*copy\\M'
    OR coalesce(level.mode = 'delay' AND memory[2] = 'bulk', false);
  percent := CASE WHEN bulk THEN level.bulk_pct ELSE level.insert_pct END;
  IF level.mode = 'reject' THEN
    turn := nextval('ruvector.healing_throttle_turns') % 100 * 61 % 100;
    IF turn < percent THEN
      PERFORM ruvector.healing_throttle_refuse(TG_RELID, percent, level.expires_at);
    END IF;
  ELSE
    -- A session that is new here: since it connected, where that was just now; nothing where it has
    -- been idle.
    work := extract(epoch FROM clock_timestamp()) - coalesce(memory[1]::float8,
      extract(epoch FROM (SELECT a.backend_start FROM pg_stat_get_activity(pg_backend_pid()) a)));
    IF memory IS NULL AND work > level.max_delay THEN
      work := 0;
    END IF;
    pause := CASE WHEN percent >= 100 THEN level.max_delay
      ELSE least(level.max_delay, greatest(work, 0) * percent / (100 - percent)) END;
    PERFORM pg_sleep(pause);
  END IF;
  PERFORM set_config('ruvector_healing.throttle_' || TG_ARGV[0],
            concat_ws(' ', extract(epoch FROM clock_timestamp()), CASE WHEN bulk THEN 'bulk'
              ELSE 'single' END, coalesce(turn, -1),
                      ruvector.healing_rows_inserted(TG_RELID)), false);
  RETURN NULL;
END
$function$;

-- After it: only now it is known how many rows it had. Several are bulk: remembered for the
-- session's next statement, and in mode reject judged by the bulk percentage at once.
CREATE OR REPLACE FUNCTION ruvector.healing_throttle_after()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  memory text[] := ruvector.healing_throttle_memory(TG_ARGV[0]);
  level record;
  several boolean;
BEGIN
  IF memory[4] IS NULL THEN
    RETURN NULL;
  END IF;
  several := ruvector.healing_rows_inserted(TG_RELID) - memory[4]::bigint > 1;
  SELECT (l.target ->> 'bulk_pct')::float8 AS bulk_pct, l.target ->> 'mode' AS mode,
    l.expires_at INTO level
    FROM ruvector.healing_leases l
   WHERE l.collection_id = TG_ARGV[0]::integer AND l.ended_at IS NULL
     AND l.expires_at > clock_timestamp() AND l.kind = 'throttle'
   ORDER BY l.id DESC LIMIT 1;
  IF several AND level.mode = 'reject' AND memory[2] = 'single'
    AND memory[3]::integer BETWEEN 0 AND ceil(level.bulk_pct)::integer - 1 THEN
    PERFORM ruvector.healing_throttle_refuse(TG_RELID, level.bulk_pct, level.expires_at);
  END IF;
  PERFORM set_config('ruvector_healing.throttle_' || TG_ARGV[0], concat_ws(' ', memory[1],
    CASE WHEN several OR current_query() ~* E'^\\s*copy\\M' THEN 'bulk' ELSE 'single' END,
    '-1'), false);
  RETURN NULL;
END
$function$;

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
BEGIN
  EXECUTE format('LOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE NOWAIT', name);
  EXECUTE format('CREATE TRIGGER ruvector_healing_throttle_before BEFORE INSERT ON %s FOR EACH '
    'STATEMENT EXECUTE FUNCTION ruvector.healing_throttle_before(%L)', name, collection_id);
  EXECUTE format('CREATE TRIGGER ruvector_healing_throttle_after AFTER INSERT ON %s FOR EACH '
    'STATEMENT EXECUTE FUNCTION ruvector.healing_throttle_after(%L)', name, collection_id);
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
BEGIN
  EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE NOWAIT', name);
  EXECUTE format('DROP TRIGGER IF EXISTS ruvector_healing_throttle_before ON %s', name);
  EXECUTE format('DROP TRIGGER IF EXISTS ruvector_healing_throttle_after ON %s', name);
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
