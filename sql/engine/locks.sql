-- Locks between sessions of ours: rows of ruvector.healing_locks, tried and never waited for, held
-- until the transaction ends.

CREATE OR REPLACE FUNCTION ruvector.healing_try_lock(kind text, id integer DEFAULT 0)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  -- Where nothing can be written nobody is in anybody's way, and a row cannot be locked.
  IF current_setting('transaction_read_only')::boolean THEN
    RETURN true;
  END IF;
  PERFORM FROM ruvector.healing_locks l WHERE l.kind = healing_try_lock.kind
    AND l.id = healing_try_lock.id FOR UPDATE SKIP LOCKED;
  IF FOUND THEN
    RETURN true;
  END IF;
  IF EXISTS (SELECT FROM ruvector.healing_locks l WHERE l.kind = healing_try_lock.kind
    AND l.id = healing_try_lock.id) THEN
    RETURN false;
  END IF;
  -- A restored dump brings collections and no locks.
  INSERT INTO ruvector.healing_locks AS l (kind, id)
    VALUES (healing_try_lock.kind, healing_try_lock.id) ON CONFLICT DO NOTHING;
  RETURN FOUND;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_try_lock(text, integer)
  IS 'Takes a lock until the end of the transaction; false while another session has it. True '
  'without one where nothing can be written.';

-- Rows that others have changed are waited for, and lock_timeout ends no wait in a session in which
-- PLJS has run. A table whose rows may not be locked cannot be asked with NOWAIT, but everybody may
-- read pg_locks. A prepared transaction has no pid.
CREATE OR REPLACE FUNCTION ruvector.healing_changed_by_others(relation regclass)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN EXISTS (
    SELECT FROM pg_locks l
     WHERE l.locktype = 'relation' AND l.relation = healing_changed_by_others.relation
       AND l.pid IS DISTINCT FROM pg_backend_pid()
       AND l.database IN (0, (SELECT d.oid FROM pg_database d
         WHERE d.datname = current_database()))
       AND l.mode NOT IN ('AccessShareLock', 'RowShareLock'));
END
$function$;
COMMENT ON FUNCTION ruvector.healing_changed_by_others(regclass)
  IS 'Whether another session may have changed rows of a table and has not committed yet.';

-- ALTER ROLE ... SET waits for whoever has set something for a role, or dropped that one, and not
-- committed yet.
CREATE OR REPLACE FUNCTION ruvector.healing_settings_are_free(role text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF ruvector.healing_changed_by_others('pg_db_role_setting') OR EXISTS (
    SELECT FROM pg_locks l JOIN pg_roles r ON r.oid = l.objid
     WHERE l.locktype = 'object' AND l.classid = 'pg_authid'::regclass AND l.database = 0
       AND l.mode <> 'AccessShareLock' AND l.pid IS DISTINCT FROM pg_backend_pid()
       AND r.rolname = healing_settings_are_free.role) THEN
    RAISE EXCEPTION USING ERRCODE = '55P03',
      MESSAGE = 'another session is changing settings of roles',
      HINT = 'Try again once it has committed: SELECT a.pid, a.state, a.query FROM pg_locks l JOIN '
        'pg_stat_activity a USING (pid) WHERE l.relation = ''pg_db_role_setting''::regclass; '
        'shows it.';
  END IF;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_settings_are_free(text)
  IS 'Fails at once with 55P03 where a setting of a role could not be changed without waiting.';

-- Whoever locked a row stands in its xmax, and holds the lock on that transaction until it ends.
-- One who did so behind a savepoint that was released since is not found: the lock on a
-- subtransaction goes with it.
CREATE OR REPLACE FUNCTION ruvector.healing_lock_holders(kind text)
RETURNS TABLE (id integer, pid integer)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT l.id, k.pid
    FROM ruvector.healing_locks l
    JOIN pg_locks k ON k.locktype = 'transactionid' AND k.mode = 'ExclusiveLock' AND k.granted
      AND k.transactionid = l.xmax
   WHERE l.kind = healing_lock_holders.kind;
$function$;
COMMENT ON FUNCTION ruvector.healing_lock_holders(text)
  IS 'Which sessions hold the locks of a kind.';

-- A lock that is there before anybody wants it is never waited for: two sessions that insert it at
-- once would be.
CREATE OR REPLACE FUNCTION ruvector.healing_make_locks()
RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $function$
  INSERT INTO ruvector.healing_locks AS l (kind, id)
  SELECT k.kind, 0 FROM (VALUES ('tick'), ('settings'), ('rights'), ('audit'), ('weights')) k (kind)
   WHERE NOT EXISTS (SELECT FROM ruvector.healing_locks o WHERE o.kind = k.kind AND o.id = 0)
   UNION ALL
  SELECT 'collection', c.collection_id FROM ruvector.collections c
   WHERE NOT EXISTS (SELECT FROM ruvector.healing_locks o WHERE o.kind = 'collection'
     AND o.id = c.collection_id)
      ON CONFLICT DO NOTHING;
$function$;
COMMENT ON FUNCTION ruvector.healing_make_locks() IS 'Makes the locks that are not there yet.';
SELECT ruvector.healing_make_locks();
