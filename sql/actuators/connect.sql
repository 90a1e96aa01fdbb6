-- What others may see of a session (pid, database, login, application_name) is enough to know it
-- again.
CREATE OR REPLACE FUNCTION ruvector.healing_actuator_there(one ruvector.healing_actuator_sessions)
RETURNS boolean
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT EXISTS (SELECT FROM pg_stat_activity a
                  WHERE a.pid = one.pid AND a.datname = current_database()
                    AND a.usesysid = one.login AND a.application_name = one.application_name);
$function$;
COMMENT ON FUNCTION ruvector.healing_actuator_there(ruvector.healing_actuator_sessions)
  IS 'Whether the session of an actuator is there yet.';

CREATE OR REPLACE FUNCTION public.ruvector_healing_actuator_connect(actuator text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  name text := ruvector.healing_actuator_name(actuator);
BEGIN
  PERFORM ruvector.healing_writable('actuator_connect');
  -- Names come and go with the processes; a session has one. Never waited for: whoever has its row
  -- locked keeps it.
  DELETE FROM ruvector.healing_actuator_sessions s
   WHERE s.actuator IN (SELECT o.actuator FROM ruvector.healing_actuator_sessions o
                         WHERE o.actuator <> name
                           AND (o.pid = pg_backend_pid()
                           OR (o.connected_at < clock_timestamp() - interval '1 minute'
                           AND NOT ruvector.healing_actuator_there(o)))
                           FOR UPDATE SKIP LOCKED);
  INSERT INTO ruvector.healing_actuator_sessions AS s (actuator, pid, login, application_name,
    connected_at)
  VALUES (name, pg_backend_pid(), (SELECT r.oid FROM pg_roles r
    WHERE r.rolname = session_user), current_setting('application_name'), clock_timestamp())
  ON CONFLICT ON CONSTRAINT healing_actuator_sessions_pkey DO UPDATE
     SET pid = excluded.pid, login = excluded.login, application_name = excluded.application_name,
       connected_at = excluded.connected_at
   WHERE s.pid = pg_backend_pid() OR NOT ruvector.healing_actuator_there(s);
  RETURN FOUND;
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_actuator_connect(text)
  IS 'Whether this session is the only one under an actuator''s name, which it is until it ends: '
  'SELECT ruvector_healing_actuator_connect(''actuator-1'');';
