-- The locks that dropping takes, all at once and never waited for while any is held, as an upgrade
-- does (sql/install/lock_order.sql): ours, and those of tables that still have a throttle's
-- triggers, which go here.
CREATE OR REPLACE FUNCTION ruvector.healing_lock_all()
RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  give_up constant timestamptz := clock_timestamp() + interval '30 seconds';
  busy text;
  removed integer;
BEGIN
  LOOP
    BEGIN
      busy := 'the tables of ruvector_healing';
      EXECUTE (SELECT format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE NOWAIT',
                 string_agg(c.oid::regclass::text, ', ' ORDER BY c.oid)) FROM pg_class c
                WHERE c.relnamespace = 'ruvector'::regnamespace AND c.relkind = 'r');
      removed := 0;
      -- Whose owner has not let us in any more loses its triggers with their functions.
      FOR busy IN SELECT DISTINCT t.tgrelid::regclass::text FROM pg_trigger t
        WHERE t.tgfoid IN ('ruvector.healing_throttle_before()'::regprocedure,
          'ruvector.healing_throttle_after()'::regprocedure)
          AND (SELECT a.how FROM ruvector.healing_access(t.tgrelid) a) <> 'none' LOOP
        IF NOT ruvector.healing_throttle_remove(busy::regclass) THEN
          RAISE lock_not_available;
        END IF;
        removed := removed + 1;
      END LOOP;
      RETURN removed;
    EXCEPTION WHEN lock_not_available THEN
      IF clock_timestamp() > give_up THEN
        RAISE EXCEPTION USING ERRCODE = '55P03', MESSAGE = format('%s: in use by other sessions',
          busy),
          DETAIL = 'Tried for 30 s. Nothing was changed.',
          HINT = 'SELECT l.pid, a.state, a.query FROM pg_locks l JOIN pg_stat_activity a USING '
            '(pid) WHERE l.relation::regclass::text LIKE ''ruvector.%''; shows which.';
      END IF;
      PERFORM pg_sleep(0.01);
    END;
  END LOOP;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_lock_all()
  IS 'Locks all tables of ours, and takes a throttle''s triggers from users'' tables.';

-- Why we cannot go now.
CREATE OR REPLACE FUNCTION ruvector.healing_may_go()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  said text;
  typed text;
BEGIN
  SELECT string_agg(format('Action %s (%s) on %s is %s.', a.id, a.strategy_name, a.collection,
           replace(a.state, '_', ' ')), ' ' ORDER BY a.id),
         coalesce(string_agg(format('SELECT ruvector_healing_abort(%s);', a.id), ' ' ORDER BY a.id)
           FILTER (WHERE a.state <> 'rolling_back'), 'SELECT ruvector_healing_status();')
    INTO said, typed FROM ruvector.healing_actions a
   WHERE a.state IN ('planned', 'executing', 'stabilizing', 'rolling_back');
  IF said IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'RV008', MESSAGE = 'an action is active', DETAIL = said,
      HINT = typed || '  and let it finish while the loop runs, or wait for its end.';
  END IF;
  SELECT string_agg(format('Job %s of action %s: %s.', j.jobid, j.action_id, j.command), ' '
           ORDER BY j.id)
    INTO said FROM ruvector.healing_jobs j WHERE j.state = 'running';
  IF said IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'RV008', MESSAGE = 'a job of pg_cron is at work for an action',
      DETAIL = said, HINT = 'Wait for its end: SELECT * FROM ruvector.healing_jobs WHERE state = '
        '''running'';';
  END IF;
  SELECT string_agg(d.what, ', ' ORDER BY d.what) FILTER (WHERE d.place <= 20)
           || CASE WHEN count(*) > 20 THEN format(', and %s more.', count(*) - 20) ELSE '.' END,
         string_agg(d.statement, ' ' ORDER BY d.what) FILTER (WHERE d.place <= 20)
    INTO said, typed
    FROM (SELECT h.*, row_number() OVER (ORDER BY h.what) AS place
            FROM ruvector.healing_dependents() h) d;
  IF said IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'RV037', MESSAGE = 'others use what would be dropped',
      DETAIL = said, HINT = typed;
  END IF;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_may_go()
  IS 'Raises RV008 while an action is active, RV037 where something of others uses ours.';

-- No job of ours stays, whoever's they are that this role may take out; and none that we paused
-- stays so.
CREATE OR REPLACE FUNCTION ruvector.healing_end_jobs(OUT removed integer, OUT resumed integer,
  OUT elsewhere text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET row_security = on
AS $function$
DECLARE
  names constant text[] := ruvector.healing_job_names('tick')
    || ruvector.healing_job_names('watch');
  asked record;
  place record;
  left_paused text;
BEGIN
  removed := 0;
  -- All of them, whatever their time.
  resumed := ruvector.healing_end_pauses(interval '-100 years');
  SELECT string_agg(format('SELECT cron.alter_job(%s, active := true, schedule := %L);',
           l.target ->> 'jobid', l.previous ->> 'schedule'), ' ') INTO left_paused
    FROM ruvector.healing_leases l WHERE l.kind = 'paused_job' AND l.ended_at IS NULL;
  IF left_paused IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = '55P03',
      MESSAGE = 'a job of pg_cron that was paused cannot be switched on now',
      DETAIL = 'The warnings above say why. Nothing was changed.', HINT = left_paused;
  END IF;
  IF to_regclass('cron.job') IS NOT NULL THEN
    BEGIN
      EXECUTE $runs$DELETE FROM cron.job_run_details d USING cron.job j
         WHERE j.jobid = d.jobid AND j.jobname = ANY ($1) AND d.end_time IS NOT NULL
           AND j.database = current_database() AND j.username = current_user$runs$
        USING names;
    EXCEPTION WHEN insufficient_privilege THEN
      NULL; -- Its log stays.
    END;
    EXECUTE $jobs$SELECT count(*)::integer
      FROM (SELECT cron.unschedule(j.jobid) FROM cron.job j
             WHERE j.database = current_database() AND j.username = current_user
               AND (j.jobname = ANY ($1) OR j.command = ANY ($2)
                 -- By its mark as well: numbers begin anew where pg_cron was made again.
                 OR EXISTS (SELECT FROM ruvector.healing_jobs o WHERE o.jobid = j.jobid
                   AND starts_with(j.command, format('/* ruvector_healing job %s */', o.id))))
             ) gone$jobs$
      INTO removed USING names, ARRAY[ruvector.healing_job_command('tick'),
        ruvector.healing_job_command('watch')];
    RETURN;
  END IF;
  place := ruvector.healing_schedule_elsewhere(NULL);
  IF place.place IS NOT NULL THEN
    asked := ruvector.healing_ask_cron(place.asked);
    elsewhere := CASE WHEN asked.problem IS NOT NULL
      THEN format('-- in %s, as a superuser: %s', place.place, place.statement) END;
  END IF;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_end_jobs()
  IS 'Takes the loop''s jobs out of pg_cron, and switches on those that it paused.';

-- What tune_search set for roles goes back, the newest first, and who may not be altered is said.
-- As src/strategies/tune-search/lease.ts does it: what somebody set meanwhile is theirs.
CREATE OR REPLACE FUNCTION ruvector.healing_end_tunings(OUT put_back integer, OUT stays jsonb)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  one record;
  statement text;
BEGIN
  put_back := 0;
  stays := '[]';
  -- Only where pgvector is loaded may who is no superuser set what is pgvector's.
  EXECUTE coalesce((SELECT format('SELECT CAST(%L AS %I.vector)', '[0]', n.nspname)
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
   WHERE e.extname = 'vector'), 'SELECT');
  FOR one IN SELECT r.oid, r.rolname, d.oid AS database, d.datname, l.target ->> 'setting' AS name,
      l.target ->> 'value' AS value, l.previous ->> 'value' AS previous
    FROM ruvector.healing_leases l JOIN pg_database d ON d.datname = current_database()
    JOIN pg_roles r ON r.oid = coalesce((SELECT k.oid FROM pg_roles k
        WHERE k.oid = (l.target ->> 'role_oid')::oid),
      (SELECT k.oid FROM pg_roles k WHERE k.rolname = l.target ->> 'role'))
   WHERE l.kind = 'search_setting' AND l.ended_at IS NULL ORDER BY l.id DESC LOOP
    CONTINUE WHEN NOT EXISTS (SELECT FROM pg_db_role_setting s
      WHERE s.setrole = one.oid AND s.setdatabase = one.database
        AND one.name || '=' || one.value = ANY (s.setconfig));
    statement := format('ALTER ROLE %I IN DATABASE %I ', one.rolname, one.datname)
      || CASE WHEN one.previous IS NULL THEN 'RESET ' || one.name
           ELSE format('SET %s = %L', one.name, one.previous) END;
    BEGIN
      EXECUTE statement;
      put_back := put_back + 1;
    EXCEPTION WHEN insufficient_privilege THEN
      stays := stays || jsonb_build_array(jsonb_build_object('what', format('%s = %s of role %s, '
        'set by tune_search', one.name, one.value, one.rolname), 'statement', statement || ';'));
    END;
  END LOOP;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_end_tunings()
  IS 'Puts back what tune_search set for roles, where nobody changed it since.';

-- Everything of ours goes, in one transaction: what runs here until its end is in memory by then.
-- session_path: an event trigger on sql_drop is somebody's and finds its table by it, as it would
-- were this typed as DROP. Whoever may call this could type that.
CREATE OR REPLACE FUNCTION ruvector.healing_uninstall(session_path text)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off SET client_min_messages = warning
AS $function$
DECLARE
  triggers integer;
  jobs record;
  tunings record;
  answer jsonb;
  statement text;
  statements text[];
BEGIN
  PERFORM ruvector.healing_writable('uninstall');
  PERFORM ruvector.healing_may_go();
  triggers := ruvector.healing_lock_all();
  -- Again, now that nobody can begin anything any more.
  PERFORM ruvector.healing_may_go();
  jobs := ruvector.healing_end_jobs();
  tunings := ruvector.healing_end_tunings();
  answer := jsonb_build_object('uninstalled', ruvector.healing_version(),
    'collections', (SELECT count(*) FROM ruvector.collections),
    'actions', (SELECT count(*) FROM ruvector.healing_actions),
    'events', (SELECT count(*) FROM ruvector.healing_events),
    'tables_without_throttle', triggers, 'jobs_removed', jobs.removed,
    'jobs_resumed', jobs.resumed, 'settings_put_back', tunings.put_back,
    'left', coalesce((SELECT jsonb_agg(jsonb_build_object('what', l.what,
              'statement', l.statement) ORDER BY l.what) FROM ruvector.healing_left_behind() l),
            '[]') || tunings.stays || CASE WHEN jobs.elsewhere IS NULL THEN '[]'
              ELSE jsonb_build_array(jsonb_build_object('what', 'the loop''s job of pg_cron in '
                'another database, if it has one', 'statement', jobs.elsewhere)) END);
  -- A table with a trigger that waits for the commit cannot be dropped.
  SET CONSTRAINTS ruvector.healing_event_committed IMMEDIATE;
  -- Written while names mean ours: what is dropped by then is none any more.
  statements := CASE WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'ruvector_healing')
      THEN ARRAY['DROP EXTENSION ruvector_healing CASCADE'] ELSE '{}' END
    || ARRAY['DROP SCHEMA IF EXISTS ruvector CASCADE']
    || ARRAY(SELECT format('DROP ROUTINE IF EXISTS %s', r::regprocedure)
         FROM ruvector.healing_routines() r JOIN pg_proc p ON p.oid = r
        WHERE p.pronamespace = 'public'::regnamespace);
  -- Until this function ends.
  PERFORM set_config('search_path', session_path, true);
  FOREACH statement IN ARRAY statements LOOP
    EXECUTE statement;
  END LOOP;
  RETURN answer;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_uninstall(text)
  IS 'What ruvector_healing_uninstall() calls, with the search_path of its session.';

-- SECURITY INVOKER and without SET, to know the search_path of the session. The other one is for
-- its owner and superusers alone; here those who were granted this one are told.
CREATE OR REPLACE FUNCTION public.ruvector_healing_uninstall()
RETURNS jsonb
LANGUAGE plpgsql
AS $function$
DECLARE
  installer constant pg_catalog.name := (SELECT pg_catalog.pg_get_userbyid(n.nspowner)
    FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.=) 'ruvector');
BEGIN
  IF current_user OPERATOR(pg_catalog.<>) installer AND NOT (SELECT r.rolsuper
    FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) current_user) THEN
    RAISE EXCEPTION USING ERRCODE = '42501',
      MESSAGE = 'only a superuser or the role that installed ruvector_healing may uninstall it',
      DETAIL = pg_catalog.format('That is %I; this is %I.', installer, current_user),
      HINT = pg_catalog.format('SET ROLE %I;', installer);
  END IF;
  RETURN ruvector.healing_uninstall(pg_catalog.current_setting('search_path'));
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_uninstall()
  IS 'Drops ruvector_healing with its state, and leaves users'' tables as they were: SELECT '
  'jsonb_pretty(ruvector_healing_uninstall());';
