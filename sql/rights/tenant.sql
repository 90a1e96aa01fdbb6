-- Tenants. A collection belongs to a tenant that was named at its registration ({"tenant":
-- "acme"}); an action and its outcome, where rows of one tenant alone were moved, to that tenant
-- (tenant_column). A viewer of a tenant sees what belongs to it and nothing else.

-- Whose rights the statement was begun with: SET ROLE where there was one, else who logged in.
-- (current_user is the installing role below a SECURITY DEFINER function.)
CREATE OR REPLACE FUNCTION ruvector.healing_caller()
RETURNS name
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE current_setting('role') WHEN 'none' THEN session_user
    ELSE current_setting('role')::name END;
$function$;
COMMENT ON FUNCTION ruvector.healing_caller() IS 'The role in whose name the statement was begun.';

-- NULL: everything; else the tenants that the caller may see. While nobody is limited to a tenant,
-- nobody is asked. When somebody is, a caller who has no right of its own (it comes by a SECURITY
-- DEFINER function of somebody, perhaps of such a viewer) sees nothing.
CREATE OR REPLACE FUNCTION ruvector.healing_tenant_scope()
RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  caller name;
  installer name;
BEGIN
  -- Nobody, as ruvector.healing_level_holders() has it: one row by its name, because a gate asks it
  -- for every statement (as sql/sensing/gate.sql does by itself).
  IF NOT EXISTS (SELECT FROM pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) a
    WHERE p.proname = 'healing_level_tenant' AND p.pronamespace = 'ruvector'::regnamespace
      AND p.pronargs = 0 AND a.grantee <> p.proowner AND a.grantee <> 0) THEN
    RETURN NULL;
  END IF;
  caller := ruvector.healing_caller();
  installer := (SELECT pg_get_userbyid(n.nspowner) FROM pg_namespace n
    WHERE n.nspname = 'ruvector');
  IF (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = caller)
    OR pg_has_role(caller, installer, 'USAGE')
     OR EXISTS (SELECT FROM ruvector.healing_level_holders() h
       WHERE h.level IN ('viewer', 'operator', 'admin')
       AND pg_has_role(caller, h.role_oid, 'USAGE')) THEN
    RETURN NULL;
  END IF;
  -- Let in by hand, one function at a time, by nobody's level.
  IF NOT EXISTS (SELECT FROM ruvector.healing_level_holders() h WHERE h.level = 'tenant'
    AND pg_has_role(caller, h.role_oid, 'USAGE'))
     AND EXISTS (SELECT FROM ruvector.healing_level_routines('viewer') v
       WHERE has_function_privilege(caller, v::oid, 'EXECUTE')
                    AND v::oid <> 'public.ruvector_healing_route(text, text)'::regprocedure) THEN
    RETURN NULL;
  END IF;
  RETURN ARRAY(SELECT t.tenant FROM ruvector.healing_level_holders() h
    JOIN ruvector.healing_tenants t USING (role_name)
                WHERE h.level = 'tenant' AND pg_has_role(caller, h.role_oid, 'USAGE'));
END
$function$;
COMMENT ON FUNCTION ruvector.healing_tenant_scope()
  IS 'Tenants that the caller may see; NULL: all of them, and what belongs to none.';

-- Whose an action is: the collection's tenant, or the one whose rows alone it moved; NULL: several
-- tenants', or nobody's.
CREATE OR REPLACE FUNCTION ruvector.healing_action_tenant(collection_id integer, progress jsonb)
RETURNS text
LANGUAGE sql STABLE
AS $function$
  SELECT coalesce((SELECT c.options ->> 'tenant' FROM ruvector.collections c
    WHERE c.collection_id = $1),
                  CASE WHEN jsonb_typeof($2 -> 'tenants') = 'array'
                    AND jsonb_array_length($2 -> 'tenants') = 1 THEN $2 -> 'tenants' ->> 0 END);
$function$;
COMMENT ON FUNCTION ruvector.healing_action_tenant(integer, jsonb)
  IS 'The tenant that an action belongs to, or NULL.';

-- Whether what belongs to a collection, and to a tenant where one is known, is in a scope. Ask with
-- (SELECT ruvector.healing_tenant_scope()), so that the scope is found once a statement. Without
-- SET, so that it is inlined.
CREATE OR REPLACE FUNCTION ruvector.healing_sees(scope text[], collection_id integer,
  tenant text DEFAULT NULL)
RETURNS boolean
LANGUAGE sql STABLE
AS $function$
  SELECT $1 IS NULL OR coalesce($3 = ANY ($1), false)
         OR EXISTS (SELECT FROM ruvector.collections c WHERE c.collection_id = $2
           AND c.options ->> 'tenant' = ANY ($1));
$function$;
COMMENT ON FUNCTION ruvector.healing_sees(text[], integer, text)
  IS 'Whether a caller with that scope may see what belongs to a collection or tenant.';

-- A reading names the vacuums, index builds and pg_cron jobs of the whole database, with their
-- statements: not for the eyes of one tenant. What they cost its collection (seconds waited, the
-- delay of autovacuum, its own tables' backlog) stays.
CREATE OR REPLACE FUNCTION ruvector.healing_metrics_seen(scope text[], metrics jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE
AS $function$
  SELECT CASE WHEN $1 IS NULL THEN $2
    ELSE $2 #- '{maintenance,sessions}' #- '{maintenance,blockers}' #- '{maintenance,jobs}' END;
$function$;
COMMENT ON FUNCTION ruvector.healing_metrics_seen(text[], jsonb)
  IS 'What a caller with that scope may see of a reading.';

-- What is said in words names what stands in the way: another collection, a job of pg_cron, a
-- session and its role, the action that opened the breaker. A caller limited to a tenant gets the
-- words that its own columns are made of instead.
CREATE OR REPLACE FUNCTION ruvector.healing_words_seen(scope text[], words text, instead text)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $function$
  SELECT CASE WHEN $1 IS NULL THEN $2 WHEN $2 IS NOT NULL THEN $3 END;
$function$;
COMMENT ON FUNCTION ruvector.healing_words_seen(text[], text, text)
  IS 'A text as a caller with that scope may see it.';
