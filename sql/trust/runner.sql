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

-- Takes from others what ALTER DEFAULT PRIVILEGES gave them with a routine as it was made.
CREATE OR REPLACE FUNCTION ruvector.healing_close(routine regprocedure)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  other text;
BEGIN
  FOR other IN SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
    FROM pg_proc p
   CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
   WHERE p.oid = routine AND a.grantee <> p.proowner LOOP
    EXECUTE format('REVOKE ALL ON ROUTINE %s FROM %s', routine, other);
  END LOOP;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_close(regprocedure)
  IS 'Leaves a routine to its owner alone.';

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
                     -- REASSIGN OWNED takes the function to another role, and not what was granted
                     -- with it.
                     AND has_schema_privilege(p.proowner, 'ruvector', 'USAGE')
                     AND has_function_privilege(p.proowner,
                       'ruvector.healing_run(text, text, boolean)', 'EXECUTE')
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
                       -- Whoever has them: REASSIGN OWNED gave some to another role.
                       FROM generate_series(0, (SELECT count(*) FROM pg_proc p
                         WHERE p.pronamespace = 'ruvector'::regnamespace
                           AND p.proname LIKE E'healing\\_as\\_%')) k) n
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
    'Runs one statement on tables of the role it belongs to, for the healing loop. Goes within a '
    'minute once none is registered; DROP OWNED BY that role drops it at once.');
  PERFORM ruvector.healing_close(signature::regprocedure);
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

-- Roles that once owned tables here and own none now that is reached through them: a table changed
-- hands, was dropped or forgotten, or REASSIGN OWNED brought a runner to a role that needs none.
CREATE OR REPLACE FUNCTION ruvector.healing_gone_owners()
RETURNS TABLE (role_oid oid, role_name name)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH roots AS MATERIALIZED (
    -- By name, as everywhere: oids change with dump and restore. Not by to_regclass: a schema that
    -- was closed to us would end it for all.
    SELECT coalesce((SELECT r.oid FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace
                      WHERE n.nspname = c.schema_name AND r.relname = c.table_name), c.relid)
             AS relid
      FROM ruvector.collections c
  ), known AS (
    SELECT p.proowner AS oid FROM pg_proc p
     WHERE p.pronamespace = 'ruvector'::regnamespace AND p.proname LIKE E'healing\\_as\\_%'
     UNION
    SELECT a.grantee FROM pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) a
     WHERE p.oid = 'ruvector.healing_level_table_owner()'::regprocedure AND a.grantee <> p.proowner
  )
  SELECT r.oid, r.rolname
    FROM known k JOIN pg_roles r USING (oid)
   WHERE r.rolsuper OR r.rolname = current_user
      -- Nearly always the first answers: partitions are many.
      OR (NOT EXISTS (SELECT FROM roots t JOIN pg_class c ON c.oid = t.relid
            WHERE c.relowner = r.oid)
        AND NOT EXISTS (SELECT FROM roots t CROSS JOIN LATERAL pg_partition_tree(t.relid) f
          JOIN pg_class c ON c.oid = f.relid WHERE c.relowner = r.oid));
$function$;
COMMENT ON FUNCTION ruvector.healing_gone_owners()
  IS 'Roles that own no registered table any more, and have what was made for their tables.';

-- Once no collection needs them, the runners of such owners go, with what was granted for them: the
-- role can be dropped again. The owner of a schema may drop what is in it, whosever it is.
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
  FOR one IN SELECT g.role_oid, g.role_name FROM ruvector.healing_gone_owners() g LOOP
    PERFORM ruvector.healing_no_event_triggers();
    PERFORM ruvector.healing_rights_lock();
    FOR routine IN SELECT p.oid::regprocedure FROM pg_proc p
      WHERE p.pronamespace = 'ruvector'::regnamespace AND p.proname LIKE E'healing\\_as\\_%'
        AND p.proowner = one.role_oid LOOP
      EXECUTE format('DROP FUNCTION IF EXISTS %s', routine);
    END LOOP;
    -- What the installing role has is its own.
    CONTINUE WHEN one.role_name = current_user;
    FOR routine IN SELECT r FROM ruvector.healing_level_routines('table_owner') r LOOP
      EXECUTE format('REVOKE EXECUTE ON ROUTINE %s FROM %I', routine, one.role_name);
    END LOOP;
    -- Who has a level, or was granted something here by hand, reaches it as before.
    IF NOT EXISTS (SELECT FROM (
      SELECT p.proacl FROM pg_proc p WHERE p.pronamespace = 'ruvector'::regnamespace
       UNION ALL
      SELECT c.relacl FROM pg_class c WHERE c.relnamespace = 'ruvector'::regnamespace) o (acl)
      CROSS JOIN LATERAL aclexplode(o.acl) a WHERE a.grantee = one.role_oid) THEN
      EXECUTE format('REVOKE ALL ON SCHEMA ruvector FROM %I', one.role_name);
    END IF;
  END LOOP;
  PERFORM ruvector.healing_here_only(propagation);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_forget_owners()
  IS 'Takes away what runs with the rights of owners who have no registered table any more.';

-- The same in a tick, which waits for nobody: a row of the catalogue that somebody is just changing
-- (its owner alters a runner) is waited for until they commit. Where that begins behind the look at
-- it, lock_timeout ends the wait: JavaScript, after which it ends none, has not run yet in a tick
-- of pg_cron's. A later tick does what this one left.
CREATE OR REPLACE FUNCTION ruvector.healing_forget_owners_at_once()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  patience constant text := current_setting('lock_timeout');
  next constant bigint := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
  epoch constant bigint := next >> 32 << 32;
BEGIN
  IF NOT EXISTS (SELECT FROM ruvector.healing_gone_owners())
    OR EXISTS (SELECT FROM ruvector.healing_event_triggers())
    OR NOT ruvector.healing_try_lock('rights')
    OR EXISTS (
      SELECT FROM (
        SELECT p.xmax::text::bigint AS near FROM pg_proc p
         WHERE p.pronamespace = 'ruvector'::regnamespace
         UNION ALL
        SELECT n.xmax::text::bigint FROM pg_namespace n WHERE n.nspname = 'ruvector') x
       WHERE x.near > 2 AND CASE WHEN epoch + x.near >= next THEN true
         ELSE pg_xact_status((epoch + x.near)::text::xid8) = 'in progress' END)
  THEN
    RETURN;
  END IF;
  BEGIN
    PERFORM set_config('lock_timeout', '100ms', true);
    PERFORM ruvector.healing_forget_owners();
    PERFORM set_config('lock_timeout', patience, true);
  EXCEPTION WHEN OTHERS THEN
    RAISE LOG 'ruvector_healing: what runs as former owners of tables stays for now: % %', SQLSTATE,
      ruvector.healing_text(SQLERRM);
  END;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_forget_owners_at_once()
  IS 'healing_forget_owners() in a tick: where somebody is in the way, a later tick does it.';
