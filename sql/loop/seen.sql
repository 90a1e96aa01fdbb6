-- What a sample goes by: the same again is what was found then (rest.sql).

-- Settings of the server that a sample goes by, and the version that took it.
CREATE OR REPLACE FUNCTION ruvector.healing_server_seen()
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  -- Not md5(), which a server in FIPS mode refuses.
  SELECT encode(sha256(convert_to(concat_ws(' ', ruvector.healing_bundle_hash(), current_user,
    (SELECT string_agg(name || '=' || coalesce(ruvector.healing_server_setting(name), ''), ' ')
       FROM unnest(ARRAY['autovacuum', 'autovacuum_vacuum_threshold',
         'autovacuum_vacuum_scale_factor', 'autovacuum_vacuum_max_threshold',
         'autovacuum_vacuum_insert_threshold', 'autovacuum_vacuum_insert_scale_factor',
         'autovacuum_freeze_max_age', 'autovacuum_naptime', 'track_counts', 'shared_buffers',
         'effective_cache_size', 'cron.log_run', 'cron.database_name', 'cron.max_running_jobs'])
         name),
    to_regclass('cron.job') IS NOT NULL,
    -- Triggers, and what is published, say whether rows may be moved: both are rare.
    (SELECT sum(pg_stat_get_tuples_inserted(c) + pg_stat_get_xact_tuples_inserted(c)
         + pg_stat_get_tuples_updated(c) + pg_stat_get_xact_tuples_updated(c)
         + pg_stat_get_tuples_deleted(c) + pg_stat_get_xact_tuples_deleted(c))
       FROM unnest(ARRAY['pg_trigger', 'pg_publication', 'pg_publication_rel',
         'pg_publication_namespace', 'pg_event_trigger', 'pg_auth_members']::regclass[]) c)),
    getdatabaseencoding())), 'hex');
$function$;
COMMENT ON FUNCTION ruvector.healing_server_seen()
  IS 'What a sample goes by that is the whole server''s, as one text that changes with it.';

-- What a sample goes by that is one collection's own. seen: its table, partitions and indexes as
-- the catalogues have them, and its settings; counted: rows read and written so far, as
-- src/sense/activity/counters.ts counts them; busy: somebody waits on it, works on it, or holds it
-- locked; NULL where the table is not the one that was registered.
CREATE OR REPLACE FUNCTION ruvector.healing_seen(wanted integer[])
RETURNS TABLE (collection_id integer, seen numeric, counted double precision, busy boolean)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET jit = off
AS $function$
#variable_conflict use_column
BEGIN
  PERFORM pg_stat_clear_snapshot();
  RETURN QUERY
  WITH RECURSIVE root AS MATERIALIZED (
    SELECT c.collection_id, c.relid, hash_record_extended(ROW(c.xmin, n.xmin), 0) AS hash
      FROM unnest(wanted) w(id)
      JOIN ruvector.collections c ON c.collection_id = w.id
      JOIN pg_class k ON k.oid = c.relid AND k.relname = c.table_name
      JOIN pg_namespace n ON n.oid = k.relnamespace AND n.nspname = c.schema_name
     WHERE c.relid NOT IN (SELECT d FROM ruvector.healing_distributed() d)
  ), family AS (
    SELECT r.collection_id, r.relid FROM root r
    UNION
    SELECT f.collection_id, i.inhrelid FROM family f JOIN pg_inherits i ON i.inhparent = f.relid
  ), member AS MATERIALIZED (
    -- As arrays, for the planner: see ruvector.healing_family().
    SELECT m.*
      FROM (SELECT array_agg(f.collection_id) AS ids, array_agg(f.relid) AS relids FROM family f) a
     CROSS JOIN LATERAL unnest(a.ids, a.relids) m(collection_id, relid)
  ), relation AS MATERIALIZED (
    SELECT m.collection_id, k.oid, true AS heap, k.relkind IN ('r', 'm') AS counts,
           hash_record_extended(ROW(k.oid, k.xmin, k.relpages, k.reltuples), 0) AS hash,
           CASE WHEN k.relkind IN ('r', 'm') THEN age(k.relfrozenxid) ELSE 0 END AS age,
           k.reloptions::text LIKE '%freeze%' AS own_age
      FROM member m JOIN pg_class k ON k.oid = m.relid
    UNION ALL
    SELECT m.collection_id, k.oid, false, k.relkind = 'i',
           hash_record_extended(ROW(k.oid, k.xmin, k.relpages, k.reltuples, i.xmin), 1), 0, false
      FROM member m JOIN pg_index i ON i.indrelid = m.relid JOIN pg_class k ON k.oid = i.indexrelid
  ), held AS MATERIALIZED (
    -- Maintenance takes one of these, and so does whoever locks all others out; and what waits, or
    -- is waited for.
    SELECT DISTINCT k.relation FROM pg_locks k
     WHERE k.locktype = 'relation' AND k.pid IS DISTINCT FROM pg_backend_pid()
       AND k.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
       AND (k.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock',
           'ExclusiveLock', 'AccessExclusiveLock')
         OR k.pid IN (SELECT w.pid FROM pg_locks w WHERE NOT w.granted))
  ), summed AS (
    SELECT r.collection_id, sum(r.hash::numeric) AS hash,
           sum(CASE WHEN r.counts THEN pg_stat_get_tuples_returned(r.oid)
             + pg_stat_get_xact_tuples_returned(r.oid) END)
           + sum(CASE WHEN r.counts AND r.heap THEN pg_stat_get_tuples_inserted(r.oid)
             + pg_stat_get_xact_tuples_inserted(r.oid) + pg_stat_get_tuples_updated(r.oid)
             + pg_stat_get_xact_tuples_updated(r.oid) + pg_stat_get_tuples_deleted(r.oid)
             + pg_stat_get_xact_tuples_deleted(r.oid) END) AS counted,
           bool_or(r.own_age) IS NOT TRUE
             AND max(r.age) < current_setting('autovacuum_freeze_max_age')::integer AS young,
           bool_or(r.oid IN (SELECT h.relation FROM held h)) AS held
      FROM relation r GROUP BY r.collection_id
  )
  SELECT r.collection_id,
         s.hash + r.hash
           + coalesce((SELECT sum(hash_record_extended(ROW(a.attnum, a.xmin), 2)::numeric)
               FROM pg_attribute a WHERE a.attrelid = r.relid), 0)
           + coalesce((SELECT sum(hash_record_extended(ROW(g.collection_id, g.settings),
               3)::numeric) FROM ruvector.healing_config g
               WHERE g.collection_id IN (0, r.collection_id)), 0),
         s.counted::double precision, s.held OR NOT s.young
    FROM root r JOIN summed s USING (collection_id);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_seen(integer[])
  IS 'What samples of collections go by, as numbers that change with it.';

-- Collections with something that wants a turn whatever their figures are: an action, a lease, a
-- job, a report, something to be scored, learned or cleared up.
CREATE OR REPLACE FUNCTION ruvector.healing_pending(wanted integer[])
RETURNS SETOF integer
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN QUERY
  SELECT a.collection_id FROM ruvector.healing_actions a
   WHERE a.collection_id = ANY (wanted)
     AND a.state IN ('planned', 'awaiting_approval', 'executing', 'stabilizing', 'rolling_back')
  UNION SELECT a.collection_id
    FROM ruvector.healing_actions a JOIN ruvector.healing_steps s ON s.action_id = a.id
   -- With one that can be undone only a person goes on.
   WHERE a.collection_id = ANY (wanted) AND a.state = 'rollback_failed' AND NOT a.reversible
     AND s.undone_at IS NULL
  UNION SELECT a.collection_id
    FROM ruvector.healing_actions a JOIN ruvector.healing_steps s ON s.action_id = a.id
   WHERE a.collection_id = ANY (wanted) AND s.undone_at IS NULL
     AND s.kind IN ('swap_index', 'swap_whole')
  UNION SELECT l.collection_id FROM ruvector.healing_leases l
   WHERE l.collection_id = ANY (wanted) AND l.ended_at IS NULL
  UNION SELECT j.collection_id FROM ruvector.healing_jobs j
   WHERE j.collection_id = ANY (wanted) AND j.state IN ('scheduled', 'running')
  UNION SELECT f.collection_id FROM ruvector.healing_forecasts f
   WHERE f.collection_id = ANY (wanted) AND f.scored_at IS NULL
  UNION SELECT f.collection_id FROM ruvector.healing_forecasts f
   WHERE f.collection_id = ANY (wanted) AND f.closed_at IS NULL
  UNION SELECT r.collection_id FROM ruvector.healing_refusals r
   WHERE r.collection_id = ANY (wanted) AND (r.closed_at IS NULL OR r.superseded)
  UNION SELECT o.collection_id FROM ruvector.healing_outcomes o
   WHERE o.collection_id = ANY (wanted) AND NOT o.learned
  UNION SELECT h.collection_id FROM ruvector.healing_routes h
   WHERE h.collection_id = ANY (wanted) AND h.weight <> 1
  UNION SELECT p.collection_id FROM ruvector.integrity_reports p
   WHERE p.collection_id = ANY (wanted)
     AND p.reported_at > clock_timestamp() - make_interval(secs => (
       ruvector.healing_settings(p.collection_id) ->> 'report_ttl_seconds')::double precision);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_pending(integer[])
  IS 'Collections with an action, a lease, a report or anything else that wants a turn.';

-- The newest run of somebody else's job that failed, behind `after_run`; 0: none did, or the role
-- may not see it.
CREATE OR REPLACE FUNCTION ruvector.healing_failed_run(after_run bigint)
RETURNS bigint
LANGUAGE plpgsql
SET row_security = on
AS $function$
DECLARE
  found bigint;
BEGIN
  IF to_regclass('cron.job') IS NULL THEN
    RETURN 0;
  END IF;
  EXECUTE $runs$
    SELECT max(d.runid) FROM cron.job_run_details d JOIN cron.job j USING (jobid)
     WHERE d.runid > $1 AND d.status = 'failed' AND j.database = current_database()
       AND coalesce(j.jobname, '') NOT LIKE E'ruvector\\_healing%'$runs$
    INTO found USING after_run;
  RETURN coalesce(found, 0);
EXCEPTION WHEN insufficient_privilege THEN
  RETURN 0;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_failed_run(bigint)
  IS 'The newest run of a job of pg_cron that failed, ours left out.';

-- What concerns all collections alike, and has only one plain answer: nobody replicates from here,
-- and pg_cron has a slot left for a job that is due.
CREATE OR REPLACE FUNCTION ruvector.healing_server_plain()
RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT current_setting('track_counts')::boolean
     AND NOT EXISTS (SELECT FROM pg_stat_get_wal_senders())
     AND NOT EXISTS (SELECT FROM pg_get_replication_slots())
     AND (SELECT count(*) FROM pg_stat_activity a WHERE 'pg_cron' IN (a.application_name,
       a.backend_type))
       < coalesce(ruvector.healing_server_setting('cron.max_running_jobs')::integer, 32);
$function$;
COMMENT ON FUNCTION ruvector.healing_server_plain()
  IS 'Whether there are no replicas, no slots, and room for the jobs of pg_cron.';
