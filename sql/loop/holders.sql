-- Who keeps ticks off a collection: a session that called something of ours and left its
-- transaction open for longer than a turn may take. One that did so behind a savepoint released
-- since is not told by its row (the lock on its subtransaction is gone): then it is one of those
-- who locked any row of healing_locks and hold none that is known. Where there are several, none is
-- said to be the one (pid NULL): nobody is to end a session that holds nothing.
CREATE OR REPLACE FUNCTION ruvector.healing_holders(wanted integer[] DEFAULT NULL)
RETURNS TABLE (collection_id integer, pid integer, role_name name, since timestamptz, sentence text,
  statement text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
DECLARE
  next constant bigint := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
  epoch constant bigint := next >> 32 << 32;
BEGIN
  -- Nearly always nobody is at it, which the rows say themselves: all locks and sessions of a
  -- server are many more. A transaction that this one's snapshot does not know yet may be.
  IF NOT EXISTS (
    SELECT FROM ruvector.healing_locks l
     CROSS JOIN LATERAL (SELECT l.xmax::text::bigint AS near) x
     WHERE l.kind = 'collection' AND (wanted IS NULL OR l.id = ANY (wanted)) AND x.near > 2
       AND CASE WHEN epoch + x.near >= next THEN true
         ELSE pg_xact_status((epoch + x.near)::text::xid8) = 'in progress' END)
  THEN
    RETURN;
  END IF;
  RETURN QUERY WITH sessions AS MATERIALIZED (
    SELECT DISTINCT k.pid, a.usename, a.xact_start
      FROM pg_locks k JOIN pg_stat_activity a USING (pid)
     WHERE k.locktype = 'relation' AND k.mode = 'RowShareLock'
       AND k.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
       AND k.relation = 'ruvector.healing_locks'::regclass AND k.pid <> pg_backend_pid()
       -- Who may not see that session is not told since when.
       AND coalesce(a.xact_start < clock_timestamp() - ruvector.healing_turn_patience(), true)
  ), known AS MATERIALIZED (
    SELECT h.id, h.pid FROM ruvector.healing_lock_holders('collection') h
     WHERE EXISTS (SELECT FROM sessions)
  ), now_ AS (
    SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next
  ), held AS (
    SELECT l.id, CASE WHEN k.pid IS NOT NULL THEN ARRAY[k.pid]
        ELSE ARRAY(SELECT s.pid FROM sessions s
          WHERE s.pid <> ALL (ARRAY(SELECT o.pid FROM known o)) ORDER BY s.pid) END AS pids
      FROM ruvector.healing_locks l
     CROSS JOIN now_ n
     CROSS JOIN LATERAL (SELECT (n.next >> 32 << 32) + l.xmax::text::bigint AS near) x
     CROSS JOIN LATERAL (SELECT CASE WHEN x.near < n.next THEN x.near
       ELSE x.near - 4294967296 END AS full_) f
      LEFT JOIN known k ON k.id = l.id
     WHERE l.kind = 'collection' AND l.xmax::text <> '0' AND EXISTS (SELECT FROM sessions)
       AND (wanted IS NULL OR l.id = ANY (wanted))
       AND (k.pid IS NOT NULL OR (f.full_ > 2
         AND pg_xact_status(f.full_::text::xid8) = 'in progress'))
  )
  SELECT h.id, s.pid, s.usename, s.xact_start,
         CASE WHEN s.pid IS NULL
           THEN format('one of the sessions %s holds it in a transaction that is open, and ticks '
             'pass it over until that ends', array_to_string(h.pids, ', '))
           ELSE format('session %s (%s) holds it in a transaction that is open%s, and ticks pass '
             'it over until that ends', s.pid, coalesce(quote_ident(s.usename), 'of another role'),
             coalesce(' since ' || ruvector.healing_timestamp(s.xact_start), '')) END,
         CASE WHEN s.pid IS NULL
           THEN format('SELECT * FROM pg_stat_activity WHERE pid IN (%s);   -- one of these',
             array_to_string(h.pids, ', '))
           -- Measured: a session in which PLJS 1.0.5 has run is there after it was told to end.
           ELSE format('SELECT pg_terminate_backend(%s);   -- ends it%s', s.pid,
             CASE '{{LANGUAGE}}' WHEN 'pljs'
               THEN '; where PLJS has run there, only its client can: SELECT * FROM '
                 || format('pg_stat_activity WHERE pid = %s;', s.pid) ELSE '' END) END
    FROM held h
    LEFT JOIN sessions s ON h.pids = ARRAY[s.pid]
   WHERE cardinality(h.pids) > 0;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_holders(integer[])
  IS 'Sessions that keep ticks off collections by a transaction left open, and what ends them.';
