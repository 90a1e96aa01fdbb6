-- Who may execute what. ONE LINE FOR EACH FUNCTION THAT IS NOT FOR ITS OWNER ALONE:
--   ('schema-less name', 'least level', filters by tenant)
-- Adding a function: add its line here, run npm run build (it rewrites the table in
-- docs/security.md), done. Installing and upgrading grant it to the roles that hold its level; a
-- function without a line is for the installing role alone, and test/integration/rights.test.ts
-- fails for one in public. All overloads of a name have one level. Internals (ruvector.healing_*)
-- need a line only where a function without SECURITY DEFINER calls them in the name of its caller.
--
-- viewer < operator < admin: each has what the one before it has.
-- actuator stands beside them: a role may hold it as well.
-- installer: superusers and the role that installed, and nobody else.
-- everybody: PUBLIC; what is open to it reads one small table and changes nothing.
-- table_owner: held by the owners of registered tables.
-- Third column, true: a viewer who may see one tenant only may call it too, because every row it
-- returns has passed ruvector.healing_sees(). False, the safe answer: such a viewer may not.
--
-- Grants are plain GRANT EXECUTE (\df+ and pg_dump show them). Who holds a level is written in the
-- catalogue too, as EXECUTE on the functions healing_level_*() below: so it is renamed, dropped,
-- dumped and restored with the role. An upgrade grants what is new and touches no other grant: what
-- was granted or revoked by hand stays. (So a function whose level is raised must be revoked by the
-- version that raises it, in sql/rights.)
CREATE OR REPLACE FUNCTION ruvector.healing_levels()
RETURNS TABLE (routine text, level text, by_tenant boolean)
LANGUAGE sql IMMUTABLE
AS $function$
VALUES
  ('ruvector_healing_route', 'everybody', false),

  ('ruvector_healing_status', 'viewer', true),
  ('ruvector_healing_verdict', 'viewer', true),
  ('ruvector_healing_version', 'viewer', true),
  ('ruvector_healing_history', 'viewer', true),
  ('ruvector_healing_effectiveness', 'viewer', true),
  ('ruvector_healing_report', 'viewer', true),
  ('ruvector_healing_metrics', 'viewer', false),
  ('ruvector_healing_metric_samples', 'viewer', false),
  ('ruvector_healing_decisions', 'viewer', false),
  ('ruvector_healing_forecasts', 'viewer', false),
  ('ruvector_healing_breaker', 'viewer', false),
  ('ruvector_healing_explain', 'viewer', false),
  ('ruvector_healing_config', 'viewer', false),
  ('ruvector_healing_list_occupancy', 'viewer', true),
  ('ruvector_healing_rights', 'viewer', false),
  ('ruvector_healing_verify_audit', 'viewer', false),
  ('ruvector_integrity_status', 'viewer', true),
  ('ruvector_integrity_history', 'viewer', true),
  ('ruvector_integrity_gate', 'viewer', true),
  ('ruvector_contracted_graph', 'viewer', true),
  ('ruvector_integrity_lambda2', 'viewer', true),

  ('ruvector_healing_trigger', 'operator', false),
  ('ruvector_healing_execute', 'operator', false),
  ('ruvector_healing_approve', 'operator', false),
  ('ruvector_healing_reject', 'operator', false),
  ('ruvector_healing_abort', 'operator', false),
  ('ruvector_healing_rollback', 'operator', false),
  ('ruvector_healing_feedback', 'operator', false),
  ('ruvector_healing_resume', 'operator', false),
  ('ruvector_healing_recall', 'operator', false),
  ('ruvector_healing_recall_curve', 'operator', false),
  ('ruvector_healing_breaker_close', 'operator', false),
  ('ruvector_healing_tick', 'operator', false),
  ('ruvector_integrity_sample', 'operator', false),
  ('healing_tick', 'operator', false),
  ('healing_no_commit', 'operator', false),
  ('healing_tick_begin', 'operator', false),
  ('healing_tick_rest', 'operator', false),
  ('healing_tick_collection', 'operator', false),
  ('healing_tick_end', 'operator', false),
  ('healing_turn_begin', 'operator', false),
  ('healing_turn_end', 'operator', false),
  ('healing_audit_tick', 'operator', false),

  ('ruvector_healing_register', 'admin', false),
  ('ruvector_healing_unregister', 'admin', false),
  ('ruvector_healing_configure', 'admin', false),
  ('ruvector_healing_schedule', 'admin', false),
  ('ruvector_healing_unschedule', 'admin', false),
  ('ruvector_healing_job_priority', 'admin', false),
  ('ruvector_healing_grant', 'admin', false),
  ('ruvector_healing_revoke', 'admin', false),
  ('healing_register', 'admin', false),
  ('healing_nearest', 'admin', false),
  ('healing_document', 'admin', false),
  ('healing_nearest_table', 'admin', false),
  ('healing_tables_for', 'admin', false),
  ('ruvector_healing_audit_rotate_key', 'admin', false),
  ('ruvector_healing_audit_export', 'admin', false),

  ('ruvector_healing_uninstall', 'installer', false),
  ('ruvector_healing_trust', 'installer', false),
  ('ruvector_healing_distrust', 'installer', false),

  ('ruvector_healing_actuator_connect', 'actuator', false),
  ('ruvector_healing_actuator_report', 'actuator', false),
  ('ruvector_healing_actuation_take', 'actuator', false),
  ('ruvector_healing_actuation_answer', 'actuator', false),
  ('ruvector_healing_alerts', 'actuator', false),
  ('ruvector_healing_alerts_sent', 'actuator', false),
  ('ruvector_healing_audit_head', 'actuator', false),
  ('ruvector_healing_audit_links', 'actuator', false),
  ('ruvector_healing_audit_sign', 'actuator', false),
  -- An outside monitor, or a job that watches from outside: it says what it measured, and may do
  -- nothing else.
  ('ruvector_integrity_report', 'actuator', false),

  -- What runs with the rights of a table's owner (sql/trust/runner.sql): it does for them what
  -- they could do themselves.
  ('healing_run', 'table_owner', false),
  ('healing_vector_index', 'table_owner', false),
  ('healing_index_key', 'table_owner', false),
  ('healing_parameters', 'table_owner', false),
  ('healing_with_key', 'table_owner', false),
  ('healing_with_direction', 'table_owner', false),
  ('healing_sample_rows', 'table_owner', false),
  ('healing_index_size', 'table_owner', false),
  ('healing_planning', 'table_owner', false),
  ('healing_planner_takes', 'table_owner', false),
  ('healing_fetched_key', 'table_owner', false),
  ('healing_flat_source', 'table_owner', false),
  ('healing_compared_share', 'table_owner', false),
  ('healing_kth', 'table_owner', false),
  ('healing_nearer', 'table_owner', false),
  ('healing_measure_index', 'table_owner', false),
  ('healing_trial_index', 'table_owner', false),
  ('healing_owner_settings', 'table_owner', false),
  ('healing_search_exact', 'table_owner', false),
  ('healing_measure_search', 'table_owner', false),
  ('healing_read_lists', 'table_owner', false),
  ('healing_page_number', 'table_owner', false),
  ('healing_walk_lists', 'table_owner', false),
  ('healing_equal_vectors', 'table_owner', false),
  ('healing_rows_since_built', 'table_owner', false),
  ('healing_throttle_tables', 'table_owner', false),
  ('healing_throttle_install', 'table_owner', false),
  ('healing_throttle_remove', 'table_owner', false),
  ('healing_throttle_before', 'table_owner', false),
  ('healing_throttle_after', 'table_owner', false)
$function$;
COMMENT ON FUNCTION ruvector.healing_levels() IS 'The least level that may execute each function.';

-- Nobody calls these: EXECUTE on one is what holding a level is.
CREATE OR REPLACE FUNCTION ruvector.healing_level_viewer() RETURNS void
  LANGUAGE sql IMMUTABLE AS '';
CREATE OR REPLACE FUNCTION ruvector.healing_level_operator() RETURNS void
  LANGUAGE sql IMMUTABLE AS '';
CREATE OR REPLACE FUNCTION ruvector.healing_level_admin() RETURNS void LANGUAGE sql IMMUTABLE AS '';
CREATE OR REPLACE FUNCTION ruvector.healing_level_actuator() RETURNS void
  LANGUAGE sql IMMUTABLE AS '';
CREATE OR REPLACE FUNCTION ruvector.healing_level_tenant() RETURNS void
  LANGUAGE sql IMMUTABLE AS '';
COMMENT ON FUNCTION ruvector.healing_level_tenant()
  IS 'Roles that may execute it are viewers of one tenant.';
CREATE OR REPLACE FUNCTION ruvector.healing_level_table_owner() RETURNS void
  LANGUAGE sql IMMUTABLE AS '';
COMMENT ON FUNCTION ruvector.healing_level_table_owner()
  IS 'Roles that may execute it own tables that the loop works on.';
COMMENT ON FUNCTION ruvector.healing_level_viewer() IS 'Roles that may execute it are viewers.';
COMMENT ON FUNCTION ruvector.healing_level_operator() IS 'Roles that may execute it are operators.';
COMMENT ON FUNCTION ruvector.healing_level_admin() IS 'Roles that may execute it are admins.';
COMMENT ON FUNCTION ruvector.healing_level_actuator() IS 'Roles that may execute it are actuators.';

-- The routines that a level comes with, its marker included.
CREATE OR REPLACE FUNCTION ruvector.healing_level_routines(wanted text)
RETURNS SETOF regprocedure
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT p.oid::regprocedure
    FROM pg_proc p
    -- Of others who may create in public, nothing: a function of the same name is not ours.
    JOIN pg_namespace n ON n.nspname = 'ruvector' AND n.nspowner = p.proowner
   WHERE (p.pronamespace = n.oid AND p.proname = 'healing_level_' || wanted)
      OR (p.pronamespace IN (n.oid, 'public'::regnamespace)
          AND p.proname IN (SELECT l.routine FROM ruvector.healing_levels() l
                             WHERE l.level = wanted OR (wanted = 'tenant' AND l.level = 'viewer'
                               AND l.by_tenant)
                                OR array_position(ARRAY['viewer', 'operator', 'admin'], l.level)
                                  < array_position(ARRAY['viewer', 'operator', 'admin'], wanted)))
   ORDER BY p.oid;
$function$;
COMMENT ON FUNCTION ruvector.healing_level_routines(text) IS 'What a role of a level may execute.';

-- Roles by the levels granted to them; PUBLIC and the owner are none.
CREATE OR REPLACE FUNCTION ruvector.healing_level_holders()
RETURNS TABLE (role_oid oid, role_name name, level text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT r.oid, r.rolname, substr(p.proname, length('healing_level_') + 1)
    FROM pg_proc p
   CROSS JOIN LATERAL aclexplode(p.proacl) a
    JOIN pg_roles r ON r.oid = a.grantee
   WHERE p.pronamespace = 'ruvector'::regnamespace AND p.pronargs = 0 AND a.grantee <> p.proowner
     AND p.proname IN ('healing_level_viewer', 'healing_level_operator', 'healing_level_admin',
       'healing_level_actuator', 'healing_level_tenant', 'healing_level_table_owner');
$function$;
COMMENT ON FUNCTION ruvector.healing_level_holders() IS 'Roles and the levels they were granted.';

-- Grants are rows of the catalogue that two sessions cannot change at once: one after the other,
-- never waited for long.
CREATE OR REPLACE FUNCTION ruvector.healing_rights_lock()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  give_up timestamptz := clock_timestamp() + interval '5 seconds';
BEGIN
  WHILE NOT ruvector.healing_try_lock('rights') LOOP
    IF clock_timestamp() > give_up THEN
      RAISE EXCEPTION USING ERRCODE = '55P03', MESSAGE = 'another session is changing the rights',
        DETAIL = 'Waited 5 s for its transaction to end.', HINT = 'Try again in a moment.';
    END IF;
    PERFORM pg_sleep(0.02);
  END LOOP;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_rights_lock()
  IS 'Held until the transaction ends by whoever changes rights.';
