-- The actions of the report, with what each took. How long it was at work is known from its events;
-- the rows, bytes and log from its steps. Locks are held within its transactions only: together no
-- longer than it was at work (work_seconds) and undoing (undo_seconds); its plan names them.
CREATE OR REPLACE FUNCTION ruvector.healing_report_actions(since timestamptz)
RETURNS TABLE (action_id bigint, document jsonb)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH picked AS MATERIALIZED (
    SELECT a.*, o.recovery_seconds, o.feedback_score, o.feedback_at
      FROM ruvector.healing_actions a
      LEFT JOIN ruvector.healing_outcomes o ON o.action_id = a.id
     WHERE a.updated_at >= healing_report_actions.since
       AND ruvector.healing_sees((SELECT ruvector.healing_tenant_scope()), a.collection_id,
         coalesce(o.tenant_id, ruvector.healing_action_tenant(a.collection_id, a.progress)))
  ), phases AS (
    SELECT e.action_id, sum(e.seconds) FILTER (WHERE e.kind = 'action_executing') AS work_seconds,
           sum(e.seconds) FILTER (WHERE e.kind = 'action_rolling_back') AS undo_seconds,
           sum(e.seconds) FILTER (WHERE e.kind = 'action_awaiting_approval') AS asked_seconds
      FROM (SELECT v.action_id, v.kind, extract(epoch FROM
              coalesce(lead(v.at) OVER (PARTITION BY v.action_id ORDER BY v.id), now()) - v.at)
              ::float8 AS seconds
              FROM ruvector.healing_events v
             WHERE v.action_id IN (SELECT p.id FROM picked p)
               AND v.kind IN ('action_planned', 'action_awaiting_approval', 'action_executing',
                 'action_stabilizing', 'action_rolling_back', 'action_succeeded',
                 'action_rolled_back', 'action_rollback_failed', 'action_failed',
                 'action_aborted', 'action_expired')) e
     GROUP BY e.action_id
  ), written AS (
    SELECT s.action_id, count(*) AS steps, sum(s.rows) AS rows, sum(s.bytes) AS bytes,
           sum(s.wal_bytes) AS wal_bytes,
           sum(s.undone) FILTER (WHERE s.rows > 0) AS rows_undone,
           sum(s.undo_wal_bytes) AS undo_wal_bytes
      FROM ruvector.healing_steps s WHERE s.action_id IN (SELECT p.id FROM picked p)
     GROUP BY s.action_id
  ), lent AS (
    SELECT l.action_id, sum(extract(epoch FROM coalesce(l.ended_at, now()) - l.granted_at))::float8
      AS lease_seconds
      FROM ruvector.healing_leases l WHERE l.action_id IN (SELECT p.id FROM picked p)
     GROUP BY l.action_id
  )
  SELECT p.id, jsonb_build_object('action_id', p.id, 'collection', p.collection,
      'strategy', p.strategy_name, 'problem_class', p.problem_class, 'state', p.state,
      'origin', p.origin, 'initiated_by', p.initiated_by, 'approved_by', p.approved_by,
      'summary', ruvector.healing_words_seen((SELECT ruvector.healing_tenant_scope()),
        p.problem ->> 'summary', p.problem_class),
      'message', ruvector.healing_words_seen((SELECT ruvector.healing_tenant_scope()),
        coalesce(p.rollback_reason, p.message),
        format('%s: %s', p.strategy_name, replace(p.state, '_', ' '))),
      'created_at', ruvector.healing_timestamp(p.created_at),
      'finished_at', ruvector.healing_timestamp(p.finished_at),
      'noticed_after_seconds', extract(epoch FROM p.created_at - p.degraded_at),
      'asked_seconds', h.asked_seconds, 'work_seconds', h.work_seconds,
      'undo_seconds', h.undo_seconds, 'lease_seconds', l.lease_seconds,
      'duration_seconds', extract(epoch FROM coalesce(p.finished_at, now()) - p.created_at),
      'recovery_seconds', p.recovery_seconds,
      'initial_lambda', p.initial_lambda, 'final_lambda', p.final_lambda,
      'verified', p.verified, 'feedback_score', CASE WHEN p.feedback_at IS NOT NULL
        THEN p.feedback_score END,
      'steps', coalesce(w.steps, 0), 'rows', coalesce(w.rows, 0), 'bytes', coalesce(w.bytes, 0),
      'wal_bytes', coalesce(w.wal_bytes, 0), 'rows_undone', coalesce(w.rows_undone, 0),
      'undo_wal_bytes', coalesce(w.undo_wal_bytes, 0),
      'locks', CASE WHEN jsonb_typeof(p.plan -> 'locks') = 'array' AND p.started_at IS NOT NULL
        AND ruvector.healing_tenant_scope() IS NULL THEN p.plan -> 'locks' ELSE '[]' END)
    FROM picked p
    LEFT JOIN phases h ON h.action_id = p.id
    LEFT JOIN written w ON w.action_id = p.id
    LEFT JOIN lent l ON l.action_id = p.id;
$function$;
COMMENT ON FUNCTION ruvector.healing_report_actions(timestamptz)
  IS 'Actions since a time, with how long each took and what it cost.';
