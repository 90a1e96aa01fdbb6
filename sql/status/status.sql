-- Plain SQL: people and scrapers call it often, and the JavaScript engine costs 2 to 60 ms a
-- connection.
CREATE OR REPLACE FUNCTION public.ruvector_healing_status(collection text DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  -- Arguments are checked first and by themselves: in a condition PostgreSQL 15 to 17 ask for each
  -- row, and not at all where there is none.
  SELECT ruvector.healing_collection(ruvector_healing_status.collection)
    WHERE ruvector_healing_status.collection IS NOT NULL;
  WITH base AS MATERIALIZED (
    SELECT ruvector.healing_settings(0) AS settings
  ), wanted AS MATERIALIZED (
    SELECT c.collection_id, format('%I.%I', c.schema_name, c.table_name) AS name,
           ruvector.healing_settings_over(b.settings, o.settings) AS settings
      FROM ruvector.collections c CROSS JOIN base b
      LEFT JOIN ruvector.healing_config o USING (collection_id)
     WHERE (ruvector_healing_status.collection IS NULL
            OR c.collection_id = ruvector.healing_collection(ruvector_healing_status.collection))
       -- A function for each row, only where somebody is limited at all.
       AND ((SELECT ruvector.healing_tenant_scope()) IS NULL
         OR ruvector.healing_sees((SELECT ruvector.healing_tenant_scope()), c.collection_id))
  ), outcomes AS (
    SELECT o.*
      FROM ruvector.healing_outcomes o
     WHERE (ruvector_healing_status.collection IS NULL OR o.collection_id IN (SELECT collection_id
       FROM wanted))
       AND ((SELECT ruvector.healing_tenant_scope()) IS NULL
         OR ruvector.healing_sees((SELECT ruvector.healing_tenant_scope()), o.collection_id,
         o.tenant_id))
  ), cooldowns AS (
    SELECT w.collection_id,
           max(a.finished_at)
             + make_interval(secs => (w.settings ->> 'min_healing_interval_seconds')::float8)
             AS until
      FROM wanted w
      JOIN ruvector.healing_actions a ON a.collection_id = w.collection_id
        AND a.finished_at IS NOT NULL AND coalesce(a.started_at, a.rejected_at) IS NOT NULL
     GROUP BY w.collection_id, w.settings
  ), zero AS MATERIALIZED (
    -- Of one collection, or of all in one look.
    SELECT z.* FROM ruvector.healing_net_zero((SELECT min(w.collection_id)
      FROM wanted w HAVING count(*) = 1)) z
  ), held AS MATERIALIZED (
    SELECT h.* FROM ruvector.healing_holders(ARRAY(SELECT collection_id FROM wanted)) h
  ), active AS (
    SELECT a.*
      FROM ruvector.healing_actions a
      JOIN wanted w USING (collection_id)
     WHERE a.state IN ('planned', 'awaiting_approval', 'executing', 'stabilizing', 'rolling_back')
  )
  SELECT jsonb_build_object(
    'enabled', (SELECT (b.settings ->> 'enabled')::boolean FROM base b)
               AND coalesce((SELECT bool_or((settings ->> 'enabled')::boolean) FROM wanted), true),
    'last_healing', (SELECT ruvector.healing_timestamp(max(completed_at)) FROM outcomes),
    'total_healings_24h', (SELECT count(*) FROM outcomes
      WHERE completed_at > now() - interval '24 hours'),
    'success_rate', (SELECT round(avg((success AND coalesce(verified, false))::int), 2)
      FROM outcomes WHERE completed_at > now() - interval '24 hours'),
    'active_remediations', coalesce((
      SELECT jsonb_agg(jsonb_build_object(
               'action_id', a.id, 'collection', a.collection, 'strategy', a.strategy_name,
                 'problem', a.problem_class,
               'state', a.state, 'rows_moved', (a.progress ->> 'rows')::bigint,
                 'rows_planned', (a.plan ->> 'rows')::bigint,
               'started_at', ruvector.healing_timestamp(a.started_at),
                 'deadline', ruvector.healing_timestamp(a.deadline),
               'message', ruvector.healing_words_seen((SELECT ruvector.healing_tenant_scope()),
                 a.message, format('%s: %s', a.strategy_name, replace(a.state, '_', ' '))),
                 'fingerprint', a.fingerprint, 'approved_by', a.approved_by,
               'approve', CASE WHEN a.state = 'awaiting_approval'
                 THEN format('SELECT ruvector_healing_approve(%s);', a.id) END) ORDER BY a.id)
        FROM active a), '[]'),
    'cooldown_until', (SELECT ruvector.healing_timestamp(max(until)) FROM cooldowns
      WHERE until > now()),
    'recommendations', ruvector.healing_recommendations(ARRAY(SELECT collection_id FROM wanted)),
    'forecasts', ruvector.healing_forecast_scores(ARRAY(SELECT collection_id FROM wanted)),
    'leases', coalesce((
      SELECT jsonb_agg(jsonb_build_object(
               'collection', w.name, 'action_id', l.action_id, 'strategy', l.strategy_name,
                 'kind', l.kind,
               -- A paused job is anybody's.
               'target', CASE WHEN l.kind <> 'paused_job' OR ruvector.healing_tenant_scope() IS NULL
                 THEN l.target END,
               'granted_at', ruvector.healing_timestamp(l.granted_at),
                 'expires_at', ruvector.healing_timestamp(l.expires_at),
               -- Its time is over, and no tick has come to clear it away.
               'overdue', l.expires_at <= now(),
               'note', CASE WHEN l.expires_at <= now() THEN CASE WHEN l.kind <> 'paused_job'
                 THEN 'It is over and holds nobody up; the next tick clears it away.'
                                  ELSE 'Its time is over: the next tick switches the job on, and '
                                    'without one pg_cron''s job '
                                      || ruvector.healing_job_name('watch') || ' does.'
                                       || CASE WHEN ruvector.healing_tenant_scope() IS NULL
                                         THEN format(' By hand: SELECT cron.alter_job(%s, active '
                                         ':= true, schedule := %L);', l.target ->> 'jobid',
                                         l.previous ->> 'schedule') ELSE '' END END END)
                                         ORDER BY l.id)
        FROM ruvector.healing_leases l
        JOIN wanted w USING (collection_id)
       WHERE l.ended_at IS NULL), '[]'),
    'collections', coalesce((
      SELECT jsonb_object_agg(w.name, jsonb_build_object(
               'verdict', v.verdict, 'sentence', v.sentence,
               'state', (ARRAY['normal', 'stress', 'critical'])[s.state + 1], 'lambda', s.lambda,
               'stress_threshold', w.settings -> 'stress_threshold',
                 'since', ruvector.healing_timestamp(s.since),
                 'sampled_at', ruvector.healing_timestamp(s.sampled_at),
               'enabled', (w.settings ->> 'enabled')::boolean,
               'mode', w.settings -> 'mode', 'strategy_modes', w.settings -> 'strategy_modes',
               'maintenance_window', ruvector.healing_window_status(w.settings),
               'cooldown_until', (SELECT ruvector.healing_timestamp(k.until) FROM cooldowns k
                 WHERE k.collection_id = w.collection_id AND k.until > now()),
               'net_zero_move_ratio', (SELECT round(z.ratio::numeric, 3)
                 FROM zero z WHERE z.collection_id_ = w.collection_id),
               'set_aside',
                 (SELECT jsonb_build_object('since', ruvector.healing_timestamp(d.since),
                    'failures', d.failures, 'until', ruvector.healing_timestamp(d.until),
                    'passed_over', d.passed_over, 'reason', d.reason,
                    'resume', ruvector.healing_resume_collection(w.name))
                    FROM ruvector.healing_aside(ARRAY[w.collection_id]) d),
               -- Which session and role that is, is not of one tenant.
               'held_by',
                 (SELECT CASE WHEN ruvector.healing_tenant_scope() IS NULL
                    THEN jsonb_build_object('pid', h.pid, 'role', h.role_name,
                      'since', ruvector.healing_timestamp(h.since), 'sentence', h.sentence,
                      'look', format('SELECT * FROM pg_stat_activity WHERE pid = %s;', h.pid),
                      'end', h.statement)
                    ELSE jsonb_build_object('sentence', 'another session holds it') END
                    FROM held h WHERE h.collection_id = w.collection_id LIMIT 1),
               'unused_indexes', coalesce((SELECT i.metrics -> 'unused_indexes'
                 FROM ruvector.integrity_samples i WHERE i.id = s.sample_id), '[]'),
               'suspended', coalesce((
                 SELECT jsonb_agg(jsonb_build_object('strategy', u.strategy_name,
                   'problem_class', u.problem_class, 'kind', u.kind,
                   'reason', ruvector.healing_words_seen(
                     (SELECT ruvector.healing_tenant_scope()), u.reason, u.kind),
                   'until', ruvector.healing_timestamp(u.until), 'everywhere', u.everywhere,
                   'resume', ruvector.healing_resume_statement(u.strategy_name,
                     CASE WHEN NOT u.everywhere THEN w.name END)) ORDER BY u.until DESC)
                   FROM ruvector.healing_suspended(w.collection_id) u), '[]'),
               'refusals', coalesce((
                 SELECT jsonb_agg(jsonb_build_object('reason', r.reason,
                   'message', ruvector.healing_words_seen(
                     (SELECT ruvector.healing_tenant_scope()), r.message,
                     'held back: ' || r.reason),
                   'flips_at', ruvector.healing_words_seen(
                     (SELECT ruvector.healing_tenant_scope()), r.flips_at,
                     'what stands in the way'),
                   'count', r.count, 'since', ruvector.healing_timestamp(r.first_at),
                   'escalated_at', ruvector.healing_timestamp(r.escalated_at))
                   ORDER BY r.last_at DESC)
                   FROM ruvector.healing_refusals r
                  WHERE r.collection_id = w.collection_id AND r.closed_at IS NULL), '[]')))
        FROM wanted w
        JOIN ruvector.healing_verdicts(ARRAY(SELECT collection_id FROM wanted)) v
          USING (collection_id)
        LEFT JOIN ruvector.integrity_state s USING (collection_id)), '{}'),
    'breaker', CASE WHEN ruvector.healing_tenant_scope() IS NULL
      THEN ruvector.healing_breaker_document() END,
    'loop', jsonb_build_object('condition', l.condition, 'stands_still', l.stands_still,
      'title', l.title, 'sentence', l.sentence, 'statement', l.statement),
    'tick_seconds', round(l.interval_seconds::numeric, 1),
    'last_tick', ruvector.healing_timestamp(l.last_tick),
    'last_tick_failed', l.last_failed,
    'last_tick_error', CASE WHEN e.shown THEN l.last_error END,
    'last_tick_error_at', CASE WHEN e.shown THEN ruvector.healing_timestamp(l.last_error_at) END
  )
    FROM ruvector.healing_loop() l
   CROSS JOIN LATERAL (SELECT l.last_error_at > now() - interval '1 hour'
     AND ruvector.healing_tenant_scope() IS NULL AS shown) e;
$function$;
COMMENT ON FUNCTION public.ruvector_healing_status(text)
  IS 'What the loop is doing: SELECT jsonb_pretty(ruvector_healing_status());';
