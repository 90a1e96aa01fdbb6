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
