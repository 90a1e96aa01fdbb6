-- The throttle of a collection: the newest lease of kind 'throttle' that has neither ended nor run
-- out, nor was granted at a time that has not come (a clock that was set back by hours would make
-- it hold for hours). Nothing but its rows is asked, so that a throttle ends with its lease
-- although nobody comes to remove the triggers, and the one before it holds again. Two statement
-- triggers on the table and its partitions call these functions, only while a throttle is on;
-- statement triggers, because rows that the loop moves by UPDATE fire row triggers for INSERT, and
-- a row trigger would slow every row.

-- A PL/pgSQL function that is called in each transaction is made ready in each: the two calls took
-- 360 microseconds, where an INSERT of a row and its commit take 250. Under a mild throttle (10 %
-- and less) of mode delay most statements pass by the triggers' own condition: only the first of a
-- session in each tenth of a second is looked at, and pauses for all of them. Conditions are short,
-- because they are read from their text for each statement: one that looked for the moment at which
-- a millisecond of pause is due took 12 microseconds, this one 4.

-- Which of 100 statements in a row a percentage takes: each number 0 to 99 comes once, well mixed,
-- in all sessions together.
CREATE SEQUENCE IF NOT EXISTS ruvector.healing_throttle_turns MINVALUE 0 START 0;

-- Rows this transaction has inserted into a table or its partitions, by the backend's own counters:
-- free, unlike a transition table, which would keep a copy of every row.
CREATE OR REPLACE FUNCTION ruvector.healing_rows_inserted(relation oid)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $function$
BEGIN
  RETURN (
  WITH RECURSIVE f(relid) AS (SELECT relation UNION ALL SELECT i.inhrelid
    FROM f JOIN pg_catalog.pg_inherits i ON i.inhparent OPERATOR(pg_catalog.=) f.relid)
  SELECT coalesce(pg_catalog.sum(pg_catalog.pg_stat_get_xact_tuples_inserted(f.relid)), 0) FROM f);
END
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

-- What a session remembers of its last statement: {microseconds of the clock, copy or bulk or
-- single, turn + 2, rows inserted before, microseconds of pause that it still owes + a second};
-- NULL: nothing. A setting may be set by anybody: what is no memory of ours is none. (Not by a
-- regular expression: that alone took 15 microseconds.)
CREATE OR REPLACE FUNCTION ruvector.healing_throttle_memory(collection text)
RETURNS text[]
LANGUAGE plpgsql STABLE
AS $function$
DECLARE
  kept constant text := pg_catalog.current_setting('ruvector_healing.throttle_' || collection,
    true);
  memory constant text[] := pg_catalog.string_to_array(kept, ' ');
BEGIN
  IF pg_catalog.length(kept) < 80 AND pg_catalog.cardinality(memory) = 5
     AND memory[2] IN ('copy', 'bulk', 'single')
     AND pg_catalog.translate(kept, '0123456789 ', '') = memory[2]
     AND pg_catalog.length(memory[1]) BETWEEN 1 AND 17
     AND pg_catalog.length(memory[3]) BETWEEN 1 AND 3
     AND pg_catalog.length(memory[4]) BETWEEN 1 AND 18
     AND pg_catalog.length(memory[5]) BETWEEN 1 AND 9 THEN
    RETURN memory;
  END IF;
  RETURN NULL;
END
$function$;

-- Before the statement has locked a row. mode delay: a session that has been away from here for w
-- seconds (its statement, its commit, its own thinking) sleeps w * p / (100 - p): it comes by (100
-- - p) % as often as it would. PostgreSQL sleeps whole milliseconds: shorter pauses are owed, and
-- slept together, and what was slept too long is taken off the next. mode reject: p of 100
-- statements raise RV012. What the memory of the session holds, as text in a setting: when it last
-- left here, and whether its last statement was bulk.
CREATE OR REPLACE FUNCTION ruvector.healing_throttle_before()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  throttle jsonb;
  ends timestamptz;
  before bigint;
  memory constant text[] := ruvector.healing_throttle_memory(TG_ARGV[0]);
  here double precision := date_part('epoch', clock_timestamp());
  kept text;
  rejects boolean;
  copies boolean;
  bulk boolean;
  percent double precision;
  work double precision;
  pause double precision;
  owed double precision := 0;
  turn integer := -1;
BEGIN
  IF TG_ARGV[1] = 'flat' THEN
    SELECT l.target, l.expires_at, pg_stat_get_xact_tuples_inserted(TG_RELID)
           + coalesce((SELECT sum(pg_stat_get_xact_tuples_inserted(i.inhrelid))
               FROM pg_inherits i WHERE i.inhparent = TG_RELID), 0)
      INTO throttle, ends, before
      FROM ruvector.healing_leases l
     WHERE l.collection_id = TG_ARGV[0]::integer AND l.ended_at IS NULL
       AND l.expires_at > clock_timestamp() AND l.granted_at <= clock_timestamp()
       AND l.kind = 'throttle'
     ORDER BY l.id DESC LIMIT 1;
  ELSE
    SELECT l.target, l.expires_at, ruvector.healing_rows_inserted(TG_RELID)
      INTO throttle, ends, before
      FROM ruvector.healing_leases l
     WHERE l.collection_id = TG_ARGV[0]::integer AND l.ended_at IS NULL
       AND l.expires_at > clock_timestamp() AND l.granted_at <= clock_timestamp()
       AND l.kind = 'throttle'
     ORDER BY l.id DESC LIMIT 1;
  END IF;
  -- A table that came with a dump, or left this one, has the number of whatever is registered as
  -- that here.
  IF throttle IS NULL OR NOT EXISTS (
    WITH RECURSIVE above(relid) AS (SELECT TG_RELID UNION SELECT i.inhparent
      FROM above b JOIN pg_inherits i ON i.inhrelid = b.relid)
    SELECT FROM ruvector.collections c
     WHERE c.collection_id = TG_ARGV[0]::integer AND c.relid IN (SELECT b.relid FROM above b)) THEN
    RETURN NULL;
  END IF;
  rejects := throttle ->> 'mode' = 'reject';
  -- The first of a statement that may be megabytes of vectors.
  copies := left(current_query(), 200) ~* E'^\\s*copy\\M';
  bulk := copies OR (NOT rejects AND coalesce(memory[2] <> 'single', false));
  percent := throttle ->> CASE WHEN bulk THEN 'bulk_pct' ELSE 'insert_pct' END;
  IF rejects THEN
    turn := nextval('ruvector.healing_throttle_turns') % 100 * 61 % 100;
    IF turn < percent THEN
      PERFORM ruvector.healing_throttle_refuse(TG_RELID, percent, ends);
    END IF;
  ELSE
    -- A session that is new here: since it connected, where that was just now; nothing where it has
    -- been idle.
    IF memory IS NULL THEN
      work := here - (SELECT date_part('epoch', a.backend_start)
                        FROM pg_stat_get_activity(pg_backend_pid()) a);
    ELSE
      work := here - memory[1]::float8 / 1000000;
    END IF;
    pause := throttle ->> 'max_delay_seconds';
    IF memory IS NULL AND work > pause THEN
      work := 0;
    END IF;
    IF percent < 100 THEN
      pause := least(pause, greatest(work, 0) * percent / (100 - percent)
        + greatest(coalesce(memory[5]::float8 / 1000000 - 1, 0), -0.1));
    END IF;
    owed := pause;
    IF pause >= 0.001 THEN
      PERFORM pg_sleep(pause);
      work := here;
      here := date_part('epoch', clock_timestamp());
      owed := greatest(pause - (here - work), -0.1);
    END IF;
  END IF;
  -- For the rest of this tenth of a second, as the session writes the time: whatever its DateStyle,
  -- that is 21 characters. What it took meanwhile is made up for by the first statement of the next
  -- tenth; another throttle, and the end of this one, are met as soon.
  kept := set_config('ruvector_healing.throttle_pass_' || TG_ARGV[0], CASE
    WHEN rejects OR percent > 10 OR percent <= 0 OR owed >= 0.001 THEN ''
    ELSE left(clock_timestamp()::text, 21) END, false);
  -- No PERFORM: that is a statement, and this an expression.
  kept := set_config('ruvector_healing.throttle_' || TG_ARGV[0], (here * 1000000)::bigint
    || CASE WHEN copies THEN ' copy ' WHEN bulk THEN ' bulk ' ELSE ' single ' END || turn + 2
    || ' ' || before || ' ' || ((1 + owed) * 1000000)::integer, false);
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
  memory constant text[] := ruvector.healing_throttle_memory(TG_ARGV[0]);
  level record;
  rows bigint;
  several boolean;
  kept text;
BEGIN
  -- What was judged has no turn any more.
  IF memory IS NULL OR memory[3] = '0' THEN
    RETURN NULL;
  END IF;
  IF TG_ARGV[1] = 'flat' THEN
    SELECT pg_stat_get_xact_tuples_inserted(TG_RELID)
           + coalesce(sum(pg_stat_get_xact_tuples_inserted(i.inhrelid)), 0) INTO rows
      FROM pg_inherits i WHERE i.inhparent = TG_RELID;
  ELSE
    rows := ruvector.healing_rows_inserted(TG_RELID);
  END IF;
  several := rows - memory[4]::bigint > 1;
  -- mode reject: it has a turn.
  IF several AND memory[2] = 'single' AND memory[3]::integer >= 2 THEN
    SELECT (l.target ->> 'bulk_pct')::float8 AS bulk_pct, l.target ->> 'mode' AS mode,
      l.expires_at INTO level
      FROM ruvector.healing_leases l
     WHERE l.collection_id = TG_ARGV[0]::integer AND l.ended_at IS NULL
       AND l.expires_at > clock_timestamp() AND l.granted_at <= clock_timestamp()
       AND l.kind = 'throttle'
     ORDER BY l.id DESC LIMIT 1;
    IF level.mode = 'reject' AND memory[3]::integer - 2 < ceil(level.bulk_pct) THEN
      PERFORM ruvector.healing_throttle_refuse(TG_RELID, level.bulk_pct, level.expires_at);
    END IF;
  END IF;
  kept := set_config('ruvector_healing.throttle_' || TG_ARGV[0], memory[1]
    || CASE WHEN several OR memory[2] = 'copy' THEN ' bulk 0 0 ' ELSE ' single 0 0 ' END
    || memory[5], false);
  RETURN NULL;
END
$function$;
