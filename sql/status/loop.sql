-- The loop itself: whether it runs, in one row and one sentence, for everybody who says so (status,
-- verdicts, explanations, commands, page).

-- Whether a session of the loop's role begins read-only, and where that was set; NULL: it does not.
-- Asked of the catalogue and not of this session, which somebody may have made read-only for
-- itself.
CREATE OR REPLACE FUNCTION ruvector.healing_read_only(OUT set_by text, OUT statement text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  -- Nearly everywhere nobody has set it at all, and who that is need not be found.
  IF current_setting('default_transaction_read_only') <> 'on' AND NOT EXISTS (
    SELECT FROM pg_db_role_setting s
     WHERE array_to_string(s.setconfig, ' ') LIKE '%default_transaction_read_only%') THEN
    RETURN;
  END IF;
  WITH own AS (
    SELECT d.oid AS database, d.datname, r.oid AS role, r.rolname
      FROM pg_database d, pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner
     WHERE d.datname = current_database() AND n.nspname = 'ruvector'
  ), set_in AS (
    -- The first one wins: role in database, role, database, all roles of the database, the server.
    SELECT s.setrole, s.setdatabase, o.option_value AS value,
      (s.setrole = 0)::int * 2 + (s.setdatabase = 0)::int AS place
      FROM own, pg_db_role_setting s CROSS JOIN LATERAL pg_options_to_table(s.setconfig) o
     WHERE s.setrole IN (own.role, 0) AND s.setdatabase IN (own.database, 0)
       AND o.option_name = 'default_transaction_read_only'
     ORDER BY place LIMIT 1
  ), server AS (
    SELECT s.setting AS value FROM pg_settings s
     WHERE s.name = 'default_transaction_read_only'
       -- Read from a list of all settings, where it could be on at all.
       AND current_setting('default_transaction_read_only') = 'on'
       AND s.source IN ('configuration file', 'command line', 'environment variable')
       AND NOT EXISTS (SELECT FROM set_in)
  )
  SELECT CASE f.place WHEN 0 THEN format('role %I in database %I', own.rolname, own.datname) WHEN 1
    THEN format('role %I', own.rolname)
              WHEN 2 THEN format('database %I', own.datname) WHEN 3 THEN 'all roles'
                ELSE 'the server' END,
         CASE f.place WHEN 0
           THEN format('ALTER ROLE %I IN DATABASE %I RESET default_transaction_read_only;',
           own.rolname, own.datname)
              WHEN 1 THEN format('ALTER ROLE %I RESET default_transaction_read_only;', own.rolname)
              WHEN 2 THEN format('ALTER DATABASE %I RESET default_transaction_read_only;',
                own.datname)
              WHEN 3 THEN 'ALTER ROLE ALL RESET default_transaction_read_only;'
              ELSE 'ALTER SYSTEM SET default_transaction_read_only = off; SELECT pg_reload_conf();'
                END
    INTO set_by, statement
    FROM own, (SELECT value, place FROM set_in UNION ALL SELECT value, 4 FROM server) f
   WHERE f.value::boolean;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_read_only()
  IS 'Whether the loop''s sessions begin read-only, where that was set, and what takes it back.';

-- How long what comes every so many seconds may stay away before it counts as missing: three times,
-- and a moment for what is late; some time at least.
CREATE OR REPLACE FUNCTION ruvector.healing_silence(every double precision,
  at_least double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE
AS $function$
  -- Without SET, so that it is inlined: it is asked for each collection.
  SELECT greatest(at_least, 3 OPERATOR(pg_catalog.*) every OPERATOR(pg_catalog.+) 5);
$function$;
COMMENT ON FUNCTION ruvector.healing_silence(double precision, double precision)
  IS 'Seconds without a tick or a sample after which one is missing.';

-- Before it had a title it returned less: CREATE OR REPLACE cannot add columns, and nobody but us
-- is granted it.
DO $before$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_proc p
    WHERE p.oid = pg_catalog.to_regprocedure('ruvector.healing_loop()')
    AND NOT 'title' = ANY (p.proargnames)) THEN
    DROP FUNCTION ruvector.healing_loop();
  END IF;
END
$before$;

-- condition: running, never_ran, stopped, read_only, standby. A tick that is missing may only be
-- late, so only silence_seconds without one make it stopped, a minute at least. Where ticks cannot
-- write, the first one that is missing says so. stands_still: somebody has to do something, which
-- is the statement; on a standby nothing has to run. title: the same in a few words, without its
-- full stop. What is shown of the loop anywhere is one of these, and nobody else decides it.
CREATE OR REPLACE FUNCTION ruvector.healing_loop()
RETURNS TABLE (
  condition text, sentence text, statement text, last_tick timestamptz,
    interval_seconds double precision, silence_seconds double precision,
  last_failed boolean, last_error text, last_error_at timestamptz, stands_still boolean, title text
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  t ruvector.healing_ticks;
  f record;
  every double precision;
  age double precision;
BEGIN
  SELECT n.* INTO t FROM ruvector.healing_ticks n
   WHERE NOT EXISTS (SELECT FROM ruvector.healing_ticks_uncounted);
  IF NOT FOUND THEN
    SELECT n.* INTO t FROM ruvector.healing_ticks_now() n;
  END IF;
  f := ruvector.healing_read_only();
  every := ruvector.healing_tick_interval(t.interval_seconds);
  age := extract(epoch FROM clock_timestamp() - t.started_at);
  last_tick := t.started_at;
  interval_seconds := t.interval_seconds;
  silence_seconds := ruvector.healing_silence(every, 60);
  last_error := t.last_error;
  last_error_at := t.last_error_at;
  -- While a tick runs nobody knows how it ends: what counts is the one before.
  last_failed := coalesce(t.last_error_at >= CASE WHEN t.finished_at < t.started_at
    THEN t.finished_at - make_interval(secs => coalesce(t.interval_seconds, 0))
    ELSE t.started_at END, false);
  condition := CASE
    WHEN pg_is_in_recovery() THEN 'standby'
    WHEN f.set_by IS NOT NULL AND (age IS NULL OR age > 1.5 * every + 1) THEN 'read_only'
    WHEN age IS NULL THEN 'never_ran'
    WHEN age > silence_seconds THEN 'stopped'
    ELSE 'running' END;
  stands_still := condition NOT IN ('running', 'standby');
  sentence := CASE condition
    WHEN 'standby'
      THEN 'This server is a standby: the loop runs on the primary, and what is shown here '
      'is what it had written when it was replayed.'
    WHEN 'read_only'
      THEN format('The loop cannot write, and nothing is sensed or healed: '
      'default_transaction_read_only is on for %s.', f.set_by)
    WHEN 'never_ran' THEN 'The loop has never run here.'
    WHEN 'stopped'
      THEN format('The loop does not run: its last tick was at %s. Nothing is sensed or '
      'healed meanwhile.', ruvector.healing_timestamp(t.started_at))
    ELSE format('The loop runs: its last tick was at %s.',
      ruvector.healing_timestamp(t.started_at)) END;
  title := CASE condition
    WHEN 'standby' THEN 'This server is a standby'
    WHEN 'read_only' THEN 'The loop cannot write'
    WHEN 'running' THEN 'The loop runs'
    ELSE 'The loop is not running' END;
  IF condition = 'read_only' THEN
    statement := f.statement;
  ELSIF stands_still THEN
    -- Where pg_cron lives in another database schedule() asks it there, if there is dblink here.
    statement := CASE WHEN NOT ruvector.healing_cron_here()
        AND (coalesce(ruvector.healing_server_setting('cron.database_name', '(hidden)'), '') = ''
          OR NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'dblink'))
      THEN 'CALL ruvector_healing_tick();   -- one turn of the loop; '
      'without pg_cron a timer of yours runs this'
      ELSE 'SELECT ruvector_healing_schedule(''5 seconds'');   -- '
      'runs the loop by pg_cron' END;
  END IF;
  RETURN NEXT;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_loop()
  IS 'Whether the loop runs, and if not, why and what to type.';
