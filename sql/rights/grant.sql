-- Rights are plain grants: what a level may execute stands in
-- sql/rights/levels.sql.

-- The role that is to get or lose rights; RV030 when there is none of that name.
CREATE OR REPLACE FUNCTION ruvector.healing_role(role text)
RETURNS name
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  installer constant name := (SELECT pg_get_userbyid(n.nspowner) FROM pg_namespace n
    WHERE n.nspname = 'ruvector');
BEGIN
  IF healing_role.role IS NULL OR NOT EXISTS (SELECT FROM pg_roles r
    WHERE r.rolname = healing_role.role) THEN
    RAISE EXCEPTION USING ERRCODE = 'RV030',
      MESSAGE = CASE WHEN healing_role.role IS NULL THEN 'role must not be null'
        ELSE format('role "%s" does not exist', left(healing_role.role, 200)) END,
      DETAIL = CASE WHEN lower(healing_role.role) = 'public' THEN 'Nothing here is for PUBLIC.'
        ELSE format('Got %s.', coalesce(quote_literal(left(healing_role.role, 200)), 'NULL')) END,
      HINT = coalesce('The nearest is ' || ruvector.healing_nearest(healing_role.role,
          ARRAY(SELECT r.rolname::text FROM pg_roles r WHERE r.rolname !~ '^pg_'
            ORDER BY r.rolname LIMIT 200)) || '. ', '')
        || 'All there are, as they are written here, without quotes: SELECT rolname FROM pg_roles '
        'WHERE rolname !~ ''^pg_'';';
  END IF;
  IF healing_role.role = installer THEN
    RAISE EXCEPTION USING ERRCODE = 'RV030', MESSAGE = format('role "%s" has every right already',
      installer),
      DETAIL = 'ruvector_healing was installed by it and belongs to it.',
        HINT = 'Grant to the roles of people and programs.';
  END IF;
  RETURN healing_role.role;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_role(text)
  IS 'A role that may get rights; RV030 when it is none.';

-- It had two arguments before there were tenants.
DROP FUNCTION IF EXISTS public.ruvector_healing_grant(text, text);
CREATE OR REPLACE FUNCTION public.ruvector_healing_grant(
  role text DEFAULT NULL, -- required
  level text DEFAULT NULL, -- required
  tenant text DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  grantee name;
  held text[];
  lost text[];
  routine regprocedure;
  propagation text;
  -- A viewer of one tenant holds a level of its own.
  wanted constant text := CASE WHEN ruvector_healing_grant.tenant IS NULL
    THEN ruvector_healing_grant.level ELSE 'tenant' END;
BEGIN
  PERFORM ruvector.healing_writable('grant');
  PERFORM ruvector.healing_no_event_triggers();
  IF level IS NULL OR level NOT IN ('viewer', 'operator', 'admin', 'actuator') THEN
    RAISE EXCEPTION USING ERRCODE = 'RV031', MESSAGE = CASE WHEN level IS NULL
      THEN 'level must not be null' ELSE 'there is no such level' END,
      DETAIL = format('Got %s.', coalesce(quote_literal(left(level, 200)), 'NULL')),
      HINT = 'viewer reads; operator also triggers, approves, aborts and rolls back; admin also '
        'configures, registers and grants; actuator is for the process that scales replicas.';
  END IF;
  IF tenant IS NOT NULL AND (level <> 'viewer' OR tenant = '' OR length(tenant) > 200) THEN
    RAISE EXCEPTION USING ERRCODE = 'RV031', MESSAGE = CASE WHEN level <> 'viewer'
      THEN 'only a viewer can be limited to a tenant'
      ELSE 'tenant must have 1 to 200 characters' END,
      DETAIL = format('Got level %s, tenant %s.', quote_literal(level),
        quote_literal(left(tenant, 200))),
      HINT = 'SELECT ruvector_healing_grant(''alice'', ''viewer'', tenant := ''acme'');';
  END IF;
  PERFORM ruvector.healing_rights_lock();
  propagation := ruvector.healing_here_only('off');
  grantee := ruvector.healing_role(role);
  held := ARRAY(SELECT h.level FROM ruvector.healing_level_holders() h WHERE h.role_name = grantee
    ORDER BY 1);
  -- A role has one of the three; what a higher one held gave goes. What was granted by hand beside
  -- it stays.
  lost := CASE WHEN wanted = 'actuator' THEN '{}' ELSE ARRAY(SELECT h FROM unnest(held) h
    WHERE h IN ('tenant', 'viewer', 'operator', 'admin') AND h <> wanted) END;
  FOR routine IN
    SELECT r FROM unnest(lost) l CROSS JOIN LATERAL ruvector.healing_level_routines(l) r
    EXCEPT SELECT r FROM ruvector.healing_level_routines(wanted) r
  LOOP
    EXECUTE format('REVOKE EXECUTE ON ROUTINE %s FROM %I', routine, grantee);
  END LOOP;
  FOR routine IN SELECT r FROM ruvector.healing_level_routines(wanted) r LOOP
    EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', routine, grantee);
  END LOOP;
  -- Functions that are not SECURITY DEFINER (the tick commits, register looks names up on the
  -- caller's path) call internals by name.
  EXECUTE format('GRANT USAGE ON SCHEMA ruvector TO %I', grantee);
  PERFORM ruvector.healing_here_only(propagation);
  IF wanted <> 'actuator' THEN
    DELETE FROM ruvector.healing_tenants t WHERE t.role_name = grantee;
    INSERT INTO ruvector.healing_tenants (role_name, tenant)
      SELECT grantee, ruvector_healing_grant.tenant WHERE wanted = 'tenant';
  END IF;
  INSERT INTO ruvector.healing_events (kind, message, details)
  VALUES ('rights_granted', format('%I is %s%s.', grantee, ruvector_healing_grant.level,
    ' of tenant ' || ruvector_healing_grant.tenant),
          jsonb_build_object('role', grantee, 'level', ruvector_healing_grant.level,
            'tenant', ruvector_healing_grant.tenant, 'before', to_jsonb(held)));
  RETURN jsonb_build_object('role', grantee, 'level', ruvector_healing_grant.level,
    'tenant', ruvector_healing_grant.tenant, 'before', to_jsonb(held));
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_grant(text, text, text)
  IS 'Gives a role the rights of a level (viewer, operator, admin, actuator), a viewer those of '
  'one tenant: SELECT ruvector_healing_grant(''alice'', ''operator'');';

CREATE OR REPLACE FUNCTION public.ruvector_healing_revoke(
  role text DEFAULT NULL -- required
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  loser name;
  held text[];
  routine regprocedure;
  taken integer := 0;
  owns_tables boolean;
  propagation text;
BEGIN
  PERFORM ruvector.healing_writable('revoke');
  PERFORM ruvector.healing_no_event_triggers();
  PERFORM ruvector.healing_rights_lock();
  propagation := ruvector.healing_here_only('off');
  loser := ruvector.healing_role(role);
  held := ARRAY(SELECT h.level FROM ruvector.healing_level_holders() h WHERE h.role_name = loser
    ORDER BY 1);
  -- Everything, what was granted by hand too: after it the role has nothing here. Not what runs
  -- with its rights on its tables.
  owns_tables := EXISTS (SELECT FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
                          WHERE p.pronamespace = 'ruvector'::regnamespace
                            AND p.proname LIKE E'healing\\_as\\_%' AND r.rolname = loser);
  FOR routine IN
    SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.nspname = 'ruvector'
      AND n.nspowner = p.proowner
     WHERE (p.pronamespace = n.oid OR (p.pronamespace = 'public'::regnamespace
       AND p.proname ~ '^ruvector_(healing|integrity|contracted)_'))
       AND EXISTS (SELECT FROM aclexplode(p.proacl) a JOIN pg_roles r ON r.oid = a.grantee
         WHERE r.rolname = loser)
       -- Trust is no right of the role, and not for admins to take.
       AND p.proname <> 'healing_level_trusted'
       AND NOT (owns_tables AND p.oid::regprocedure IN (SELECT t
         FROM ruvector.healing_level_routines('table_owner') t))
  LOOP
    EXECUTE format('REVOKE ALL ON ROUTINE %s FROM %I', routine, loser);
    taken := taken + 1;
  END LOOP;
  IF NOT owns_tables THEN
    EXECUTE format('REVOKE ALL ON SCHEMA ruvector FROM %I', loser);
  END IF;
  PERFORM ruvector.healing_here_only(propagation);
  DELETE FROM ruvector.healing_tenants t WHERE t.role_name = loser;
  IF taken > 0 THEN
    INSERT INTO ruvector.healing_events (kind, message, details)
    VALUES ('rights_revoked', format('%I has no rights any more.', loser),
      jsonb_build_object('role', loser, 'before', to_jsonb(held), 'functions', taken));
  END IF;
  RETURN jsonb_build_object('role', loser, 'before', to_jsonb(held), 'functions', taken);
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_revoke(text)
  IS 'Takes every right here from a role: SELECT ruvector_healing_revoke(''alice'');';

-- From the catalogues alone: levels where the function has one, and who may really execute it.
CREATE OR REPLACE FUNCTION public.ruvector_healing_rights()
RETURNS TABLE (routine text, level text, by_tenant boolean, granted_to text[], what text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT format('%s%s(%s)', CASE WHEN p.pronamespace = 'ruvector'::regnamespace
    THEN 'ruvector.' END, p.proname, pg_get_function_identity_arguments(p.oid)),
         coalesce(l.level, CASE WHEN p.proname = 'healing_level_trusted' THEN 'trusted'
           ELSE 'owner' END), coalesce(l.by_tenant, false),
         ARRAY(SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC'
           ELSE pg_get_userbyid(a.grantee)::text END
                 FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                WHERE a.grantee <> p.proowner AND a.privilege_type = 'EXECUTE' ORDER BY 1),
         obj_description(p.oid, 'pg_proc')
    FROM pg_proc p
    LEFT JOIN ruvector.healing_levels() l ON l.routine = p.proname
   WHERE (p.pronamespace = 'public'::regnamespace
     AND p.proname ~ '^ruvector_(healing|integrity|contracted)_')
      -- Twins (sql/install/twins.sql) have no rights of their own, and the grants of their name.
      OR (p.pronamespace = 'ruvector'::regnamespace
        AND (l.level IS NOT NULL OR p.proname = 'healing_level_trusted')
        AND p.proname NOT LIKE E'ruvector\\_%')
   ORDER BY array_position(ARRAY['everybody', 'viewer', 'operator', 'admin', 'actuator',
     'installer', 'table_owner', 'owner'], coalesce(l.level, 'owner')),
     p.pronamespace = 'ruvector'::regnamespace, 1;
$function$;
COMMENT ON FUNCTION public.ruvector_healing_rights()
  IS 'Which level may execute what, and which roles can: SELECT routine, level, granted_to FROM '
  'ruvector_healing_rights();';
