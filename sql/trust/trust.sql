-- Trust is given to the roles whose functions may run in the loop. By a superuser or the role that
-- installed, in their own name: whoever is trusted acts with the rights of a table's owner inside
-- the loop's transactions.
CREATE OR REPLACE FUNCTION ruvector.healing_change_trust(role text, given boolean)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  installer constant name := (SELECT pg_get_userbyid(n.nspowner) FROM pg_namespace n
    WHERE n.nspname = 'ruvector');
  caller constant name := ruvector.healing_caller();
  trustee name;
  before boolean;
BEGIN
  PERFORM ruvector.healing_writable('trust');
  IF caller <> installer AND NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = caller) THEN
    RAISE EXCEPTION USING ERRCODE = '42501',
      MESSAGE = 'only a superuser or the role that installed ruvector_healing may give '
      'or take trust',
      DETAIL = format('That is %I; this is %I.', installer, caller),
        HINT = format('SET ROLE %I;', installer);
  END IF;
  PERFORM ruvector.healing_rights_lock();
  trustee := ruvector.healing_role(role);
  before := EXISTS (SELECT FROM pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) a
    JOIN pg_roles r ON r.oid = a.grantee
                     WHERE p.oid = 'ruvector.healing_level_trusted()'::regprocedure
                       AND r.rolname = trustee);
  IF given THEN
    EXECUTE format('GRANT EXECUTE ON FUNCTION ruvector.healing_level_trusted() TO %I', trustee);
  ELSE
    EXECUTE format('REVOKE ALL ON FUNCTION ruvector.healing_level_trusted() FROM %I', trustee);
  END IF;
  IF before <> given THEN
    INSERT INTO ruvector.healing_events (kind, message, details)
    VALUES (CASE WHEN given THEN 'trust_given' ELSE 'trust_taken' END,
            format(CASE WHEN given THEN 'Code of %I may run in the loop.'
              ELSE 'Code of %I may not run in the loop any more.' END, trustee),
            jsonb_build_object('role', trustee, 'by', caller));
  END IF;
  RETURN jsonb_build_object('role', trustee, 'trusted', given, 'before', before);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_change_trust(text, boolean)
  IS 'Gives trust to a role, or takes it.';

CREATE OR REPLACE FUNCTION public.ruvector_healing_trust(role text)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$ SELECT ruvector.healing_change_trust(role, true) $function$;
COMMENT ON FUNCTION public.ruvector_healing_trust(text)
  IS 'Lets functions and types of a role run while the loop reads and moves rows: SELECT '
  'ruvector_healing_trust(''app''); For superusers and the installing role.';

CREATE OR REPLACE FUNCTION public.ruvector_healing_distrust(role text)
RETURNS jsonb
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$ SELECT ruvector.healing_change_trust(role, false) $function$;
COMMENT ON FUNCTION public.ruvector_healing_distrust(text)
  IS 'Takes back what ruvector_healing_trust gave: SELECT ruvector_healing_distrust(''app'');';
