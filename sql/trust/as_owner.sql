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
  place oid;
  place_hint text;
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
  -- A new owner needs no right to the schema where a superuser makes them one.
  IF starts_with(answer, '{"error"') AND answer::json #>> '{error,sqlstate}' = '42501' THEN
    place := (SELECT c.relnamespace FROM pg_class c WHERE c.oid = relation);
    IF NOT has_schema_privilege(access.owner_oid, place, 'USAGE') THEN
      place_hint := format('GRANT USAGE ON SCHEMA %s TO %I;', place::regnamespace, access.owner);
      RAISE EXCEPTION USING ERRCODE = '42501',
        MESSAGE = format('%s belongs to role %I, which may not use its schema: %s',
          relation::regclass, access.owner, place_hint),
        HINT = place_hint;
    END IF;
  END IF;
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
WHEN query_canceled THEN
  RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = left(SQLERRM, 2000);
WHEN OTHERS OR assert_failure THEN
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
WHEN query_canceled THEN
  RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = left(SQLERRM, 2000);
WHEN OTHERS OR assert_failure THEN
  GET STACKED DIAGNOSTICS error_detail = PG_EXCEPTION_DETAIL, error_hint = PG_EXCEPTION_HINT;
  RETURN json_build_object('error', json_build_object(
    'sqlstate', SQLSTATE, 'message', left(SQLERRM, 2000),
      'detail', nullif(left(error_detail, 2000), ''), 'hint', nullif(left(error_hint, 2000), '')));
END
$function$;
COMMENT ON FUNCTION ruvector.healing_read_as_owner(oid, text, text, boolean)
  IS 'healing_run_as_owner() for statements that change nothing.';
