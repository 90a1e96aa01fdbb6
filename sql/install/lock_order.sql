-- An upgrade takes what it needs of the tables at once, and never waits while it holds any: with
-- the loop at work it met deadlocks (the ALTER TABLE of one table against a tick that had written
-- another). A table read by users' statements (ruvector_healing_route, a throttle's triggers) is
-- not among the first. Which they are is measured: test/integration/install.test.ts compares.
DO $locks$
DECLARE
  read_by_none constant pg_catalog.text :=
    'healing_actions,healing_actuations,healing_events,healing_outcomes,healing_refusals,'
    'healing_resting,healing_rests,healing_steps,healing_suspensions,healing_ticks,healing_turns,'
    'integrity_reports,integrity_samples';
  written_by_none constant pg_catalog.text :=
    'collections,healing_audit_keys,healing_forecasts,healing_jobs,healing_leases';
  give_up constant pg_catalog.timestamptz := pg_catalog.clock_timestamp() + interval '30 seconds';
  mode pg_catalog.text;
  tables pg_catalog.text;
BEGIN
  LOOP
    BEGIN
      FOR mode, tables IN
        SELECT m.mode, pg_catalog.string_agg(pg_catalog.format('ruvector.%I', t.name), ', '
          ORDER BY t.name)
          FROM (VALUES ('ACCESS EXCLUSIVE', read_by_none), ('SHARE', written_by_none)) m (mode,
            names)
         CROSS JOIN pg_catalog.unnest(pg_catalog.string_to_array(m.names, ',')) t (name)
         WHERE pg_catalog.to_regclass('ruvector.' || t.name) IS NOT NULL
         GROUP BY m.mode
      LOOP
        EXECUTE pg_catalog.format('LOCK TABLE %s IN %s MODE NOWAIT', tables, mode);
      END LOOP;
      EXIT;
    EXCEPTION WHEN lock_not_available THEN
      IF pg_catalog.clock_timestamp() > give_up THEN
        RAISE EXCEPTION USING ERRCODE = '55P03',
          MESSAGE = 'the tables of ruvector_healing are in use by other sessions',
          DETAIL = 'Tried for 30 s.',
          HINT = 'SELECT l.pid, a.state, a.query FROM pg_locks l JOIN pg_stat_activity a USING '
            '(pid) WHERE l.relation::regclass::text LIKE ''ruvector.%''; shows which. Nothing was '
            'changed: run the script again.';
      END IF;
      PERFORM pg_catalog.pg_sleep(0.01);
    END;
  END LOOP;
END
$locks$;
