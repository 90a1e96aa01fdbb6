-- The report as data; ruvector.healing_report_lines() says it in words.
CREATE OR REPLACE FUNCTION ruvector.healing_report_document(since timestamptz)
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH seen AS (
    SELECT ruvector.healing_tenant_scope() AS scope
  ), sensed AS (
    SELECT coalesce(jsonb_agg(s.document ORDER BY (s.document ->> 'critical_seconds')::float8
        + (s.document ->> 'stress_seconds')::float8 DESC, s.collection), '[]') AS list
      FROM ruvector.healing_report_sensed(healing_report_document.since) s
  ), actions AS MATERIALIZED (
    SELECT a.action_id, a.document AS d
      FROM ruvector.healing_report_actions(healing_report_document.since) a
  ), held AS (
    SELECT r.collection, r.reason, sum(r.count) AS count, bool_or(r.closed_at IS NULL) AS open,
           min(r.first_at) AS first_at, max(r.last_at) AS last_at,
           (array_agg(r.message ORDER BY r.last_at DESC))[1] AS message,
           (array_agg(r.flips_at ORDER BY r.last_at DESC))[1] AS flips_at
      FROM ruvector.healing_refusals r
     WHERE r.last_at >= healing_report_document.since
       -- Of one that is well, whom somebody asked for, nothing was held back.
       AND r.reason <> 'healthy'
       AND ruvector.healing_sees((SELECT scope FROM seen), r.collection_id)
     GROUP BY r.collection, r.reason
  ), foreseen AS (
    SELECT f.collection, f.strategy_name, f.mode, count(*) AS times, sum(f.count) AS evaluations,
           bool_or(f.closed_at IS NULL) AS open, min(f.made_at) AS first_at,
           avg(f.predicted_lambda - f.initial_lambda) AS gain_foreseen,
           avg(f.actual_lambda - f.initial_lambda) AS gain_without,
           (array_agg(f.strategy_params ORDER BY f.id DESC))[1] AS params
      FROM ruvector.healing_forecasts f
     WHERE f.last_at >= healing_report_document.since
       AND ruvector.healing_sees((SELECT scope FROM seen), f.collection_id)
     GROUP BY f.collection, f.strategy_name, f.mode
  ), other AS (
    -- What people changed and what the loop says of itself; of the whole server, so of no tenant.
    SELECT e.id, e.at, e.kind, e.collection, e.actor, e.message
      FROM ruvector.healing_events e
     WHERE e.at >= healing_report_document.since AND (SELECT scope FROM seen) IS NULL
       AND e.kind ~ '^(configured|registered|unregistered|scheduled|unscheduled|breaker_.*'
         '|refusal_escalated|table_missing|set_aside|strategy_suspended|audit_broken'
         '|rights_(granted|revoked))$'
     ORDER BY e.id DESC LIMIT 50
  ), totals AS (
    SELECT count(*) AS actions, count(*) FILTER (WHERE d ->> 'state' = 'succeeded') AS succeeded,
           count(*) FILTER (WHERE d ->> 'state' IN ('rolled_back', 'aborted')) AS undone,
           count(*) FILTER (WHERE d ->> 'state' IN ('failed', 'rollback_failed')) AS failed,
           count(*) FILTER (WHERE d ->> 'state' = 'awaiting_approval') AS waiting,
           coalesce(sum((d ->> 'rows')::bigint), 0) AS rows,
           coalesce(sum((d ->> 'rows_undone')::bigint), 0) AS rows_undone,
           coalesce(sum((d ->> 'bytes')::bigint), 0) AS bytes,
           coalesce(sum((d ->> 'wal_bytes')::bigint + (d ->> 'undo_wal_bytes')::bigint), 0)
             AS wal_bytes,
           coalesce(sum(coalesce((d ->> 'work_seconds')::float8, 0)
             + coalesce((d ->> 'undo_seconds')::float8, 0)), 0) AS work_seconds,
           coalesce(sum((d ->> 'lease_seconds')::float8), 0) AS lease_seconds,
           coalesce(sum((d ->> 'steps')::bigint), 0) AS steps,
           -- One that was undone since is well no more.
           percentile_cont(0.5) WITHIN GROUP (ORDER BY (d ->> 'recovery_seconds')::float8)
             FILTER (WHERE d ->> 'state' = 'succeeded') AS median_recovery_seconds
      FROM actions
  )
  SELECT jsonb_build_object(
    'since', ruvector.healing_timestamp(healing_report_document.since),
    'until', ruvector.healing_timestamp(now()),
    'loop', (SELECT jsonb_build_object('condition', l.condition, 'sentence', l.sentence,
      'stands_still', l.stands_still) FROM ruvector.healing_loop() l),
    'sensed', (SELECT list FROM sensed),
    'actions', (SELECT coalesce(jsonb_agg(a.d || jsonb_build_object('by_hand',
        CASE WHEN (a.d ->> 'work_seconds') IS NOT NULL THEN ruvector.healing_by_hand(a.d) END)
        ORDER BY a.action_id), '[]') FROM actions a),
    'totals', (SELECT to_jsonb(t) FROM totals t),
    'held_back', (SELECT coalesce(jsonb_agg(jsonb_build_object('collection', h.collection,
        'reason', h.reason, 'count', h.count, 'open', h.open,
        'first_at', ruvector.healing_timestamp(h.first_at),
        'last_at', ruvector.healing_timestamp(h.last_at),
        'message', ruvector.healing_words_seen((SELECT scope FROM seen), h.message,
          'held back: ' || h.reason),
        'flips_at', ruvector.healing_words_seen((SELECT scope FROM seen), h.flips_at,
          'what stands in the way')) ORDER BY h.open DESC, h.count DESC, h.collection, h.reason),
        '[]') FROM held h),
    'foreseen', (SELECT coalesce(jsonb_agg(jsonb_build_object('collection', f.collection,
        'strategy', f.strategy_name, 'mode', f.mode, 'times', f.times,
        'evaluations', f.evaluations, 'open', f.open,
        'first_at', ruvector.healing_timestamp(f.first_at),
        'gain_foreseen', f.gain_foreseen, 'gain_without', f.gain_without,
        'statement', CASE WHEN f.open THEN ruvector.healing_statement(f.collection,
          f.strategy_name, CASE WHEN (SELECT scope FROM seen) IS NULL THEN f.params ELSE '{}' END)
          END) ORDER BY f.open DESC, f.collection, f.strategy_name), '[]') FROM foreseen f),
    'events', (SELECT coalesce(jsonb_agg(jsonb_build_object('at', ruvector.healing_timestamp(e.at),
        'kind', e.kind, 'collection', e.collection, 'actor', e.actor, 'message', e.message)
        ORDER BY e.id), '[]') FROM other e));
$function$;
COMMENT ON FUNCTION ruvector.healing_report_document(timestamptz)
  IS 'What happened since a time, as data.';
