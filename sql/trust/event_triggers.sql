-- Event triggers that would run with what we make, alter and drop, and whose function belongs to
-- nobody who is trusted. Only superusers make them; whose function they call is another matter, and
-- it would run with the rights of the installing role or of a table's owner.
CREATE OR REPLACE FUNCTION ruvector.healing_event_triggers()
RETURNS TABLE (usage text, what text, hint text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT 'ddl', format('function %s of %I (event trigger %I)', p.oid::regprocedure,
    pg_get_userbyid(p.proowner), e.evtname),
         format('Read what it does, then: ALTER FUNCTION %s OWNER TO %I; Or trust all code of that '
           'role: SELECT ruvector_healing_trust(%L);', p.oid::regprocedure,
                (SELECT pg_get_userbyid(n.nspowner) FROM pg_namespace n
                  WHERE n.nspname = 'ruvector'), pg_get_userbyid(p.proowner))
    FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid
   WHERE e.evtenabled <> 'D' AND e.evtevent <> 'login' AND p.proowner NOT IN (SELECT r
     FROM ruvector.healing_trusted_roles() r)
   ORDER BY e.evtname;
$function$;
COMMENT ON FUNCTION ruvector.healing_event_triggers()
  IS 'Event triggers that run code of untrusted roles, and what to type.';

CREATE OR REPLACE FUNCTION ruvector.healing_no_event_triggers()
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  one record;
BEGIN
  SELECT * INTO one FROM ruvector.healing_event_triggers() LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'RV034',
      MESSAGE = format('code of a role that is not trusted would run with this change: %s',
      one.what), DETAIL = 'Nothing of it was run.', HINT = one.hint;
  END IF;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_no_event_triggers()
  IS 'Raises RV034 where an event trigger would run code of an untrusted role; called before '
  'anything is made, granted or dropped.';
