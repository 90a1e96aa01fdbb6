-- Plain SQL: people and scrapers call it often, and the JavaScript engine costs 2 to 60 ms a
-- connection. Many short statements, each only where there is something to be found: one for all of
-- it took 2.9 ms for one healthy collection, a third of which was to begin it.

-- What there is to be told of some collections (NULL: of all) beside their state, by collection_id
-- and only where there is any: refusals, suspended, set_aside, held_by, net_zero, cooldown.
CREATE OR REPLACE FUNCTION ruvector.healing_status_extras(wanted integer[], scope text[],
  base jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $function$
DECLARE
  answer jsonb := '{}';
  part jsonb;
BEGIN
  IF EXISTS (SELECT FROM ruvector.healing_refusals r WHERE r.closed_at IS NULL) THEN
    SELECT jsonb_object_agg(o.collection_id, o.told) INTO part
      FROM (SELECT r.collection_id, jsonb_agg(jsonb_build_object('reason', r.reason,
                   'message', ruvector.healing_words_seen(scope, r.message,
                     'held back: ' || r.reason),
                   'flips_at', ruvector.healing_words_seen(scope, r.flips_at,
                     'what stands in the way'),
                   'count', r.count, 'since', ruvector.healing_timestamp(r.first_at),
                   'escalated_at', ruvector.healing_timestamp(r.escalated_at))
                   ORDER BY r.last_at DESC) AS told
              FROM ruvector.healing_refusals r
             WHERE r.closed_at IS NULL AND (wanted IS NULL OR r.collection_id = ANY (wanted))
             GROUP BY r.collection_id) o;
    answer := answer || jsonb_build_object('refusals', coalesce(part, '{}'));
  END IF;
  IF EXISTS (SELECT FROM ruvector.healing_suspensions s WHERE s.kind <> 'resumed')
     OR EXISTS (SELECT FROM ruvector.healing_actions a WHERE a.rejected_at IS NOT NULL) THEN
    SELECT jsonb_object_agg(o.collection_id, o.told) INTO part
      FROM (SELECT c.collection_id, jsonb_agg(jsonb_build_object('strategy', u.strategy_name,
                   'problem_class', u.problem_class, 'kind', u.kind,
                   'reason', ruvector.healing_words_seen(scope, u.reason, u.kind),
                   'until', ruvector.healing_timestamp(u.until), 'everywhere', u.everywhere,
                   'resume', ruvector.healing_resume_statement(u.strategy_name,
                     CASE WHEN NOT u.everywhere
                       THEN format('%I.%I', c.schema_name, c.table_name) END))
                   ORDER BY u.until DESC) AS told
              FROM ruvector.collections c
             CROSS JOIN LATERAL ruvector.healing_suspended(c.collection_id) u
             WHERE wanted IS NULL OR c.collection_id = ANY (wanted)
             GROUP BY c.collection_id) o;
    answer := answer || jsonb_build_object('suspended', coalesce(part, '{}'));
  END IF;
  IF EXISTS (SELECT FROM ruvector.healing_turns t WHERE t.since IS NOT NULL) THEN
    SELECT jsonb_object_agg(d.collection_id, jsonb_build_object(
             'since', ruvector.healing_timestamp(d.since),
             'failures', d.failures, 'until', ruvector.healing_timestamp(d.until),
             'passed_over', d.passed_over, 'reason', d.reason,
             'resume', ruvector.healing_resume_collection(format('%I.%I', c.schema_name,
               c.table_name)))) INTO part
      FROM ruvector.healing_aside(wanted) d JOIN ruvector.collections c USING (collection_id);
    answer := answer || jsonb_build_object('set_aside', coalesce(part, '{}'));
  END IF;
  -- Which session and role that is, is not of one tenant.
  SELECT jsonb_object_agg(o.collection_id, o.told) INTO part
    FROM (SELECT DISTINCT ON (h.collection_id) h.collection_id, CASE WHEN scope IS NULL
             THEN jsonb_build_object('pid', h.pid, 'role', h.role_name,
               'since', ruvector.healing_timestamp(h.since), 'sentence', h.sentence,
               'look', format('SELECT * FROM pg_stat_activity WHERE pid = %s;', h.pid),
               'end', h.statement)
             ELSE jsonb_build_object('sentence', 'another session holds it') END AS told
            FROM ruvector.healing_holders(wanted) h
           ORDER BY h.collection_id) o;
  IF part IS NOT NULL THEN
    answer := answer || jsonb_build_object('held_by', coalesce(part, '{}'));
  END IF;
  IF EXISTS (SELECT FROM ruvector.healing_steps s) THEN
    SELECT jsonb_object_agg(z.collection_id_, round(z.ratio::numeric, 3)) INTO part
      FROM ruvector.healing_net_zero(CASE WHEN cardinality(wanted) = 1 THEN wanted[1] END) z;
    answer := answer || jsonb_build_object('net_zero', coalesce(part, '{}'));
  END IF;
  IF EXISTS (SELECT FROM ruvector.healing_actions a WHERE a.finished_at IS NOT NULL) THEN
    SELECT jsonb_object_agg(o.collection_id, o.until) INTO part
      FROM (SELECT c.collection_id, l.at + s.span AS until
              FROM ruvector.collections c
             CROSS JOIN LATERAL (SELECT make_interval(secs => (ruvector.healing_settings_over(base,
                 (SELECT k.settings FROM ruvector.healing_config k
                   WHERE k.collection_id = c.collection_id))
                 ->> 'min_healing_interval_seconds')::float8) AS span OFFSET 0) s
             CROSS JOIN LATERAL (SELECT a.finished_at AS at FROM ruvector.healing_actions a
                 WHERE a.collection_id = c.collection_id AND a.finished_at IS NOT NULL
                   AND coalesce(a.started_at, a.rejected_at) IS NOT NULL
                   -- Further ahead is of a clock that was set back: the guard does not wait for it.
                   AND a.finished_at < now() + s.span
                 ORDER BY a.finished_at DESC LIMIT 1) l
             WHERE wanted IS NULL OR c.collection_id = ANY (wanted)) o
     WHERE o.until > now();
    answer := answer || jsonb_build_object('cooldown', coalesce(part, '{}'));
  END IF;
  RETURN answer;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_status_extras(integer[], text[], jsonb)
  IS 'Refusals, suspensions and all else that stands against collections, where there is any.';

CREATE OR REPLACE FUNCTION ruvector.healing_status_actions(wanted integer[], scope text[])
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $function$
BEGIN
  IF NOT EXISTS (SELECT FROM ruvector.healing_actions a
    WHERE a.state IN ('planned', 'awaiting_approval', 'executing', 'stabilizing',
      'rolling_back')) THEN
    RETURN '[]';
  END IF;
  RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object(
               'action_id', a.id, 'collection', a.collection, 'strategy', a.strategy_name,
                 'problem', a.problem_class,
               'state', a.state, 'rows_moved', (a.progress ->> 'rows')::bigint,
                 'rows_planned', (a.plan ->> 'rows')::bigint,
               'started_at', ruvector.healing_timestamp(a.started_at),
                 'deadline', ruvector.healing_timestamp(a.deadline),
               'message', ruvector.healing_words_seen(scope,
                 a.message, format('%s: %s', a.strategy_name, replace(a.state, '_', ' '))),
                 'fingerprint', a.fingerprint, 'approved_by', a.approved_by,
               'approve', CASE WHEN a.state = 'awaiting_approval'
                 THEN format('SELECT ruvector_healing_approve(%s);', a.id) END) ORDER BY a.id),
                 '[]')
    FROM ruvector.healing_actions a JOIN ruvector.collections c USING (collection_id)
   WHERE a.state IN ('planned', 'awaiting_approval', 'executing', 'stabilizing', 'rolling_back')
     AND (wanted IS NULL OR a.collection_id = ANY (wanted)));
END
$function$;
COMMENT ON FUNCTION ruvector.healing_status_actions(integer[], text[])
  IS 'Actions under way, as ruvector_healing_status() shows them.';

CREATE OR REPLACE FUNCTION ruvector.healing_status_leases(wanted integer[], scope text[])
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $function$
BEGIN
  IF NOT EXISTS (SELECT FROM ruvector.healing_leases l WHERE l.ended_at IS NULL) THEN
    RETURN '[]';
  END IF;
  RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object(
               'collection', format('%I.%I', c.schema_name, c.table_name),
                 'action_id', l.action_id, 'strategy', l.strategy_name, 'kind', l.kind,
               -- A paused job is anybody's.
               'target', CASE WHEN l.kind <> 'paused_job' OR scope IS NULL THEN l.target END,
               'granted_at', ruvector.healing_timestamp(l.granted_at),
                 'expires_at', ruvector.healing_timestamp(l.expires_at),
               -- Its time is over, and no tick has come to clear it away.
               'overdue', l.expires_at <= now(),
               'note', CASE WHEN l.expires_at <= now() THEN CASE WHEN l.kind <> 'paused_job'
                 THEN 'It is over and holds nobody up; the next tick clears it away.'
                                  ELSE 'Its time is over: the next tick switches the job on, and '
                                    'without one pg_cron''s job '
                                      || ruvector.healing_job_name('watch') || ' does.'
                                       || CASE WHEN scope IS NULL
                                         THEN format(' By hand: SELECT cron.alter_job(%s, active '
                                         ':= true, schedule := %L);', l.target ->> 'jobid',
                                         l.previous ->> 'schedule') ELSE '' END END END)
                                         ORDER BY l.id), '[]')
    FROM ruvector.healing_leases l
    JOIN ruvector.collections c USING (collection_id)
   WHERE l.ended_at IS NULL AND (wanted IS NULL OR l.collection_id = ANY (wanted)));
END
$function$;
COMMENT ON FUNCTION ruvector.healing_status_leases(integer[], text[])
  IS 'Leases in force, as ruvector_healing_status() shows them.';

CREATE OR REPLACE FUNCTION public.ruvector_healing_status(collection text DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
SET plan_cache_mode = force_generic_plan
AS $function$
DECLARE
  scope constant text[] := ruvector.healing_tenant_scope();
  base constant jsonb := ruvector.healing_settings(0);
  -- NULL: all of them.
  wanted integer[] := CASE WHEN ruvector_healing_status.collection IS NOT NULL
    THEN ARRAY[ruvector.healing_collection(ruvector_healing_status.collection)] END;
  extras jsonb;
  enabled boolean;
  collections jsonb;
  last_healing timestamptz;
  healings bigint := 0;
  success_rate numeric;
  recommendations jsonb := '[]';
  forecasts jsonb := '[]';
  cooldown timestamptz;
  shown boolean;
  l record;
BEGIN
  IF scope IS NOT NULL THEN
    wanted := ARRAY(SELECT c.collection_id FROM ruvector.collections c
      WHERE (wanted IS NULL OR c.collection_id = ANY (wanted))
        AND ruvector.healing_sees(scope, c.collection_id));
  END IF;
  SELECT o.* INTO l FROM ruvector.healing_loop() o;
  extras := ruvector.healing_status_extras(wanted, scope, base);
  IF EXISTS (SELECT FROM ruvector.healing_outcomes) THEN
    -- The last one of all, however old, is at the end of an index.
    last_healing := (SELECT o.completed_at FROM ruvector.healing_outcomes o
      WHERE o.completed_at IS NOT NULL
        AND (ruvector_healing_status.collection IS NULL OR o.collection_id = ANY (wanted))
        AND (scope IS NULL OR ruvector.healing_sees(scope, o.collection_id, o.tenant_id))
      ORDER BY o.completed_at DESC LIMIT 1);
    SELECT count(*), round(avg((o.success AND coalesce(o.verified, false))::int), 2)
      INTO healings, success_rate
      FROM ruvector.healing_outcomes o
     WHERE o.completed_at > now() - interval '24 hours'
       AND (ruvector_healing_status.collection IS NULL OR o.collection_id = ANY (wanted))
       AND (scope IS NULL OR ruvector.healing_sees(scope, o.collection_id, o.tenant_id));
  END IF;
  IF EXISTS (SELECT FROM ruvector.healing_forecasts) THEN
    recommendations := ruvector.healing_recommendations(coalesce(wanted,
      ARRAY(SELECT c.collection_id FROM ruvector.collections c)));
    forecasts := ruvector.healing_forecast_scores(coalesce(wanted,
      ARRAY(SELECT c.collection_id FROM ruvector.collections c)));
  END IF;
  IF extras -> 'cooldown' IS NOT NULL THEN
    SELECT max(k.value::timestamptz) INTO cooldown FROM jsonb_each_text(extras -> 'cooldown') k;
  END IF;
  shown := l.last_error_at > now() - interval '1 hour' AND scope IS NULL;
  SELECT bool_or(o.enabled), jsonb_object_agg(o.name, o.told) INTO enabled, collections
    FROM (
      SELECT (e.e ->> 'enabled')::boolean AS enabled, n.name,
             jsonb_build_object(
               'verdict', v.verdict, 'sentence', v.sentence,
               'state', (ARRAY['normal', 'stress', 'critical'])[s.state + 1], 'lambda', s.lambda,
               'stress_threshold', e.e -> 'stress_threshold',
                 'since', ruvector.healing_timestamp(s.since),
                 'sampled_at', ruvector.healing_timestamp(s.sampled_at),
               'enabled', (e.e ->> 'enabled')::boolean,
               'mode', e.e -> 'mode', 'strategy_modes', e.e -> 'strategy_modes',
               'maintenance_window', CASE WHEN e.e -> 'maintenance_windows' <> '[]'
                 THEN ruvector.healing_window_status(e.e) END,
               'cooldown_until', ruvector.healing_timestamp((extras -> 'cooldown' ->> n.key)
                 ::timestamptz),
               'net_zero_move_ratio', extras -> 'net_zero' -> n.key,
               'set_aside', extras -> 'set_aside' -> n.key,
               'held_by', extras -> 'held_by' -> n.key,
               'incomplete_indexes', coalesce(i.metrics -> 'incomplete_indexes', '[]'),
               'unused_indexes', coalesce(i.metrics -> 'unused_indexes', '[]'),
               'suspended', coalesce(extras -> 'suspended' -> n.key, '[]'),
               'refusals', coalesce(extras -> 'refusals' -> n.key, '[]')) AS told
        FROM ruvector.collections c
       CROSS JOIN LATERAL (SELECT format('%I.%I', c.schema_name, c.table_name) AS name,
         c.collection_id::text AS key) n
        LEFT JOIN ruvector.healing_config own ON own.collection_id = c.collection_id
       CROSS JOIN LATERAL (SELECT ruvector.healing_settings_over(base, own.settings) AS e
         OFFSET 0) e
        LEFT JOIN ruvector.healing_verdicts_by(wanted, base, l.condition,
          ruvector.healing_clause(l.sentence), l.stands_still, l.silence_seconds) v
          ON v.collection_id = c.collection_id
        LEFT JOIN ruvector.integrity_state s ON s.collection_id = c.collection_id
        LEFT JOIN ruvector.integrity_samples i ON i.id = s.sample_id
       WHERE wanted IS NULL OR c.collection_id = ANY (wanted)) o;
  RETURN jsonb_build_object(
    'enabled', (base ->> 'enabled')::boolean AND coalesce(enabled, true),
    'last_healing', ruvector.healing_timestamp(last_healing),
    'total_healings_24h', healings,
    'success_rate', success_rate,
    'active_remediations', ruvector.healing_status_actions(wanted, scope),
    'cooldown_until', ruvector.healing_timestamp(cooldown),
    'recommendations', recommendations,
    'forecasts', forecasts,
    'leases', ruvector.healing_status_leases(wanted, scope),
    'collections', coalesce(collections, '{}'),
    'breaker', CASE WHEN scope IS NULL THEN ruvector.healing_breaker_document_by(base) END,
    'loop', jsonb_build_object('condition', l.condition, 'stands_still', l.stands_still,
      'title', l.title, 'sentence', l.sentence, 'statement', l.statement),
    'tick_seconds', round(l.interval_seconds::numeric, 1),
    'last_tick', ruvector.healing_timestamp(l.last_tick),
    'last_tick_failed', l.last_failed,
    'last_tick_error', CASE WHEN shown THEN l.last_error END,
    'last_tick_error_at', CASE WHEN shown THEN ruvector.healing_timestamp(l.last_error_at) END
  );
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_status(text)
  IS 'What the loop is doing: SELECT jsonb_pretty(ruvector_healing_status());';
