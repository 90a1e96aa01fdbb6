-- A user's table is touched with the rights of its owner, not more. What runs on the way (index
-- expressions, CHECK constraints, generated columns, domains, rules, triggers) is the owner's code
-- or code the owner let in, and so it gets the owner's rights.
--
-- SET ROLE is forbidden below a SECURITY DEFINER function, so each owner gets a runner: a SECURITY
-- DEFINER function of theirs that runs one statement. They own it and may therefore alter it (not
-- its body: that needs CREATE on schema ruvector), so the body trusts nothing: it is told whose it
-- is, and compares. Made at the first use; the installing role must be a member of the owner.
-- CREATE on the schema, which ALTER OWNER asks of the new owner, is granted and taken back in the
-- same transaction: nobody ever sees it.
CREATE OR REPLACE FUNCTION ruvector.healing_runner_source()
RETURNS text
LANGUAGE sql IMMUTABLE
AS $function$SELECT $runner$
BEGIN
  -- Made SECURITY INVOKER by its owner, it would run the statement with the caller's rights.
  IF current_user OPERATOR(pg_catalog.<>) owner THEN
    RAISE EXCEPTION USING ERRCODE = '42501',
      MESSAGE = 'the function that runs statements as the owner of a table does not run '
      'as that owner',
      HINT = 'Somebody altered it: drop it, and it is made again.';
  END IF;
  RETURN ruvector.healing_run(statement, parameters, wants_rows);
END
$runner$$function$;
COMMENT ON FUNCTION ruvector.healing_runner_source()
  IS 'Body of the functions that run one statement as the owner of a table.';

-- How a table may be touched.
-- direct: it is the installing role's own, or a superuser's, who needs no trick to get anybody's
-- rights; owner: as its owner; none: its owner has not let us in.
CREATE OR REPLACE FUNCTION ruvector.healing_access(relation oid, OUT how text, OUT owner name,
  OUT owner_oid oid)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE WHEN r.rolsuper OR r.rolname = current_user THEN 'direct'
    WHEN pg_has_role(current_user, c.relowner, 'USAGE') THEN 'owner' ELSE 'none' END,
         r.rolname, r.oid
    FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE c.oid = relation;
$function$;
COMMENT ON FUNCTION ruvector.healing_access(oid)
  IS 'Whether a table is touched directly, as its owner, or not at all.';

-- Citus would copy what is made and granted to its workers. Without it this is a setting of no
-- meaning, which a plain role may not name in a function's SET. Set until the caller's function
-- gives back what was; an error gives it back too.
CREATE OR REPLACE FUNCTION ruvector.healing_here_only(INOUT propagation text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  before constant text := current_setting('citus.enable_ddl_propagation', true);
BEGIN
  PERFORM set_config('citus.enable_ddl_propagation', propagation, true);
  propagation := before;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_here_only(text)
  IS 'Sets whether Citus copies what is made to its workers, until the transaction ends; returns '
  'what it was.';

-- The runner of an owner, made where it is missing or not as it should be.
CREATE OR REPLACE FUNCTION ruvector.healing_runner(owner oid)
RETURNS name
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  own constant name := (SELECT r.rolname FROM pg_roles r WHERE r.oid = healing_runner.owner);
  called name := (SELECT p.proname FROM pg_proc p
                   WHERE p.pronamespace = 'ruvector'::regnamespace
                     AND p.proname LIKE E'healing\\_as\\_%' AND p.proowner = healing_runner.owner
                     AND p.prosecdef AND p.prosrc = ruvector.healing_runner_source()
                       AND p.proconfig = ARRAY['search_path=pg_catalog, pg_temp',
                       'row_security=off']
                   LIMIT 1);
  signature text;
  routine regprocedure;
  propagation text;
BEGIN
  IF called IS NOT NULL THEN
    RETURN called;
  END IF;
  PERFORM ruvector.healing_writable('register');
  PERFORM ruvector.healing_no_event_triggers();
  PERFORM ruvector.healing_rights_lock();
  propagation := ruvector.healing_here_only('off');
  -- One that its owner altered stays where it is until healing_forget_owners(): to drop it is to
  -- wait for whoever is altering it once more, for as long as they like.
  called := (SELECT n.name
               FROM (SELECT 'healing_as_' || healing_runner.owner
                       || CASE k WHEN 0 THEN '' ELSE '_' || k END AS name, k
                       FROM generate_series(0, (SELECT count(*) FROM pg_proc p
                         WHERE p.pronamespace = 'ruvector'::regnamespace
                           AND p.proowner = healing_runner.owner)) k) n
              WHERE NOT EXISTS (SELECT FROM pg_proc p
                WHERE p.pronamespace = 'ruvector'::regnamespace AND p.proname = n.name)
              ORDER BY n.k LIMIT 1);
  signature := format('ruvector.%I(name, text, text, boolean)', called);
  EXECUTE format('CREATE FUNCTION ruvector.%I(owner name, statement text, parameters text,
                    wants_rows boolean) RETURNS text
                  LANGUAGE plpgsql SECURITY DEFINER
                  SET search_path = pg_catalog, pg_temp SET row_security = off AS %L',
    called, ruvector.healing_runner_source());
  EXECUTE format('COMMENT ON FUNCTION %s IS %L', signature,
    'Runs one statement on tables of the role it belongs to, for the healing loop.');
  EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
  EXECUTE format('GRANT CREATE, USAGE ON SCHEMA ruvector TO %I', own);
  EXECUTE format('ALTER FUNCTION %s OWNER TO %I', signature, own);
  EXECUTE format('REVOKE CREATE ON SCHEMA ruvector FROM %I', own);
  -- What runs as the owner, and with nobody's rights but theirs.
  FOR routine IN SELECT r FROM ruvector.healing_level_routines('table_owner') r LOOP
    EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', routine, own);
  END LOOP;
  PERFORM ruvector.healing_here_only(propagation);
  RETURN called;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_runner(oid)
  IS 'The function that runs statements as a table''s owner.';

-- Once a collection is forgotten, the runners of owners who have no table here any more go, with
-- what was granted for them: the role can be dropped again. What the installing role may not drop,
-- because it is a member no longer, stays: its owner may.
CREATE OR REPLACE FUNCTION ruvector.healing_forget_owners()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  one record;
  routine regprocedure;
  propagation constant text := ruvector.healing_here_only('off');
BEGIN
  FOR one IN
    SELECT p.oid::regprocedure AS runner, r.rolname
      FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
     WHERE p.pronamespace = 'ruvector'::regnamespace AND p.proname LIKE E'healing\\_as\\_%'
       AND pg_has_role(current_user, p.proowner, 'USAGE')
       AND NOT EXISTS (SELECT FROM ruvector.collections c
                        -- By name, as everywhere: oids change with dump and restore.
                        CROSS JOIN LATERAL
                          (SELECT coalesce(to_regclass(format('%I.%I', c.schema_name,
                          c.table_name))::oid, c.relid)) own (relid)
                        CROSS JOIN LATERAL (SELECT own.relid UNION SELECT t.relid
                          FROM pg_partition_tree(own.relid) t) f (relid)
                         JOIN pg_class k ON k.oid = f.relid WHERE k.relowner = p.proowner)
  LOOP
    PERFORM ruvector.healing_no_event_triggers();
    PERFORM ruvector.healing_rights_lock();
    EXECUTE format('DROP FUNCTION IF EXISTS %s', one.runner);
    FOR routine IN SELECT r FROM ruvector.healing_level_routines('table_owner') r LOOP
      EXECUTE format('REVOKE EXECUTE ON ROUTINE %s FROM %I', routine, one.rolname);
    END LOOP;
    IF NOT EXISTS (SELECT FROM ruvector.healing_level_holders() h WHERE h.role_name = one.rolname)
      THEN
      EXECUTE format('REVOKE ALL ON SCHEMA ruvector FROM %I', one.rolname);
    END IF;
  END LOOP;
  PERFORM ruvector.healing_here_only(propagation);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_forget_owners()
  IS 'Takes away what runs with the rights of owners who have no registered table any more.';

-- Runs one statement as the owner of a table. What it sets off may not leave anything behind in the
-- session: a search_path, above all, by which names in the functions that called us would mean
-- something else.
CREATE OR REPLACE FUNCTION ruvector.healing_owner_call(relation oid, statement text,
  parameters text, wants_rows boolean)
RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  access record;
  answer text;
BEGIN
  access := ruvector.healing_access(relation);
  IF access.how = 'direct' THEN
    RETURN ruvector.healing_run(statement, parameters, wants_rows);
  END IF;
  IF access.how IS DISTINCT FROM 'owner' THEN
    RAISE EXCEPTION USING ERRCODE = '42501',
      MESSAGE = CASE WHEN access.how IS NULL THEN 'the table is gone'
        ELSE format('%s belongs to role %I, which role %I may not act as', relation::regclass,
        access.owner, current_user) END,
      HINT = CASE WHEN access.how IS NOT NULL
        THEN format('GRANT %I TO %I;', access.owner, current_user) END;
  END IF;
  EXECUTE format('SELECT ruvector.%I($1, $2, $3, $4)', ruvector.healing_runner(access.owner_oid))
    INTO answer USING access.owner, statement, parameters, wants_rows;
  IF pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.<>) 'pg_catalog, pg_temp' THEN
    RAISE EXCEPTION USING ERRCODE = 'RV033',
      MESSAGE = 'code of a table changed the search_path of the session that healed it';
  END IF;
  RETURN answer;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_owner_call(oid, text, text, boolean)
  IS 'Runs one statement with the rights of a table''s owner.';

-- For what changes rows. What waits for the commit (a deferred trigger on any table that code on
-- the way wrote to) fires here, as the owner. Before PostgreSQL 18 a trigger fires with the rights
-- of whoever makes it fire, and the caller's own may be waiting too: there, only those on tables of
-- this owner.
CREATE OR REPLACE FUNCTION ruvector.healing_run_as_owner(relation oid, statement text,
  parameters text, wants_rows boolean)
RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  access record;
  answer text;
  waiting text;
  settled text;
  error_detail text;
  error_hint text;
BEGIN
  answer := ruvector.healing_owner_call(relation, statement, parameters, wants_rows);
  access := ruvector.healing_access(relation);
  IF access.how = 'owner' AND (answer::json -> 'error') IS NULL THEN
    waiting := CASE WHEN current_setting('server_version_num')::integer >= 180000 THEN 'ALL' ELSE (
      SELECT string_agg(DISTINCT format('%I.%I', n.nspname, k.conname), ', ')
        FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid AND c.relowner = access.owner_oid
          JOIN pg_constraint k ON k.oid = g.tgconstraint
        JOIN pg_namespace n ON n.oid = k.connamespace WHERE g.tgdeferrable
          AND NOT g.tgisinternal) END;
    IF waiting IS NOT NULL THEN
      settled := ruvector.healing_owner_call(relation,
        format('SET CONSTRAINTS %s IMMEDIATE', waiting), '[]', false);
      IF (settled::json -> 'error') IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = settled::json #>> '{error,sqlstate}',
          MESSAGE = settled::json #>> '{error,message}',
          DETAIL = coalesce(settled::json #>> '{error,detail}', ''),
            HINT = coalesce(settled::json #>> '{error,hint}', '');
      END IF;
    END IF;
  END IF;
  RETURN answer;
EXCEPTION
-- As in healing_run().
WHEN query_canceled OR assert_failure THEN
  RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = SQLERRM;
WHEN OTHERS THEN
  -- Rolled back with everything that was set.
  GET STACKED DIAGNOSTICS error_detail = PG_EXCEPTION_DETAIL, error_hint = PG_EXCEPTION_HINT;
  RETURN json_build_object('error', json_build_object(
    'sqlstate', SQLSTATE, 'message', left(SQLERRM, 2000),
      'detail', nullif(left(error_detail, 2000), ''), 'hint', nullif(left(error_hint, 2000), '')));
END
$function$;
COMMENT ON FUNCTION ruvector.healing_run_as_owner(oid, text, text, boolean)
  IS 'Runs one statement for the bundle with the rights of a table''s owner; returns {rows}, '
  '{count} or {error} as JSON text.';

-- For what only reads. Rolled back as soon as it is answered, and with it whatever code on the way
-- set, declared or wrote, settings of any name too.
CREATE OR REPLACE FUNCTION ruvector.healing_read_as_owner(relation oid, statement text,
  parameters text, wants_rows boolean)
RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  access record;
  answer text;
  error_detail text;
  error_hint text;
BEGIN
  access := ruvector.healing_access(relation);
  IF access.how = 'owner' THEN
    PERFORM ruvector.healing_runner(access.owner_oid);
  END IF;
  BEGIN
    answer := ruvector.healing_owner_call(relation, statement, parameters, wants_rows);
    RAISE EXCEPTION USING ERRCODE = 'RV000';
  EXCEPTION WHEN SQLSTATE 'RV000' THEN
    RETURN answer;
  END;
EXCEPTION
-- As in healing_run().
WHEN query_canceled OR assert_failure THEN
  RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = SQLERRM;
WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS error_detail = PG_EXCEPTION_DETAIL, error_hint = PG_EXCEPTION_HINT;
  RETURN json_build_object('error', json_build_object(
    'sqlstate', SQLSTATE, 'message', left(SQLERRM, 2000),
      'detail', nullif(left(error_detail, 2000), ''), 'hint', nullif(left(error_hint, 2000), '')));
END
$function$;
COMMENT ON FUNCTION ruvector.healing_read_as_owner(oid, text, text, boolean)
  IS 'healing_run_as_owner() for statements that change nothing.';

-- What code could leave behind in a session. Compared before and after whatever ran as an owner; an
-- operation that ends with another state is undone. search_path is looked at after each statement;
-- the loop itself sets lock_timeout, until the end of its transaction. A setting of a name that no
-- module defines is in no list of PostgreSQL's: of those, the ones that policies read. Cursors
-- without a name are PL/pgSQL's own.
CREATE OR REPLACE FUNCTION ruvector.healing_session_state()
RETURNS text
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT md5(concat_ws(' ',
           (SELECT string_agg(concat_ws('=', s.name, s.setting), ',' ORDER BY s.name)
             FROM pg_show_all_settings() s WHERE s.source = 'session'
             AND s.name NOT IN ('search_path', 'lock_timeout')),
           (SELECT string_agg(DISTINCT concat_ws('=', x[1], current_setting(x[1], true)), ',')
              FROM pg_policy y CROSS JOIN LATERAL (
                SELECT concat_ws(' ', pg_get_expr(y.polqual, y.polrelid),
                  pg_get_expr(y.polwithcheck, y.polrelid))
                UNION ALL SELECT p.prosrc FROM pg_depend d JOIN pg_proc p ON p.oid = d.refobjid
                           WHERE d.classid = 'pg_policy'::regclass AND d.objid = y.oid
                             AND d.refclassid = 'pg_proc'::regclass) e(text)
             CROSS JOIN LATERAL regexp_matches(e.text,
               E'current_setting\\s*\\(\\s*'
                 '''([A-Za-z_][A-Za-z0-9_$]*\\.[A-Za-z0-9_$.]+)''', 'g') x),
           (SELECT string_agg(concat_ws('=', c.name, c.statement, c.is_holdable, c.creation_time),
             ',' ORDER BY c.name) FROM pg_cursor() c WHERE c.is_holdable
             OR c.name NOT LIKE '<unnamed portal %'),
           (SELECT string_agg(concat_ws('=', p.name, p.statement, p.prepare_time), ','
             ORDER BY p.name) FROM pg_prepared_statement() p),
           (SELECT string_agg(concat_ws(':', l.classid, l.objid, l.objsubid, l.mode), ','
             ORDER BY l.classid, l.objid, l.objsubid, l.mode) FROM pg_lock_status() l
             WHERE l.locktype = 'advisory' AND l.pid = pg_backend_pid() AND l.granted),
           (SELECT string_agg(c, ',' ORDER BY c) FROM pg_listening_channels() c),
           CASE WHEN pg_my_temp_schema() <> 0 THEN (
             SELECT string_agg(t.oid::text, ',' ORDER BY t.oid) FROM (
               SELECT c.oid FROM pg_class c WHERE c.relnamespace = pg_my_temp_schema() UNION ALL
                 SELECT t.oid FROM pg_type t WHERE t.typnamespace = pg_my_temp_schema()
               UNION ALL SELECT p.oid FROM pg_proc p WHERE p.pronamespace = pg_my_temp_schema()
                 UNION ALL SELECT o.oid FROM pg_operator o
                 WHERE o.oprnamespace = pg_my_temp_schema()) t) END));
$function$;
COMMENT ON FUNCTION ruvector.healing_session_state()
  IS 'A digest of what a session keeps: settings, cursors, prepared statements, advisory locks, '
  'channels, temporary objects.';
