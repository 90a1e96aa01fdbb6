-- What Prometheus counts with. A counter must not fall when history is removed or the server
-- restarts, so it is a row, written in the transaction of what it counts. By collection, because
-- every other writer of such a row holds the collection's lock: nobody waits for a counter.
-- Unregistering a collection removes its counters; registered again it begins at 0, which
-- Prometheus reads as a restart.
CREATE TABLE IF NOT EXISTS ruvector.healing_counters (
  collection_id integer NOT NULL REFERENCES ruvector.collections ON DELETE CASCADE,
  -- Name of the metric, e.g. 'ruvector_healing_attempts_total'.
  metric        text NOT NULL,
  -- Value of the label beside the collection (strategy, state, reason); '' for none.
  label         text NOT NULL,
  value         double precision NOT NULL DEFAULT 0,
  PRIMARY KEY (collection_id, metric, label)
) WITH (fillfactor = 50);
COMMENT ON TABLE ruvector.healing_counters
  IS 'Counters of ruvector_healing_metrics(): they survive restarts and retention.';

-- An installation older than its counters begins with what its history says.
INSERT INTO ruvector.healing_counters (collection_id, metric, label, value)
SELECT a.collection_id, m.metric, m.label, sum(m.value)
  FROM ruvector.healing_actions a
  JOIN ruvector.collections c USING (collection_id)
  CROSS JOIN LATERAL (VALUES
    ('ruvector_healing_attempts_total', a.strategy_name, 1::double precision),
    ('ruvector_healing_success_total', a.strategy_name, CASE WHEN a.state = 'succeeded' THEN 1 END),
    ('ruvector_healing_actions_total', a.state, CASE WHEN a.finished_at IS NOT NULL THEN 1 END),
    ('ruvector_healing_rows_moved_total', a.strategy_name,
      nullif((a.progress ->> 'rows')::double precision, 0)),
    ('ruvector_healing_duration_seconds_sum', a.strategy_name,
      extract(epoch FROM a.finished_at - a.started_at)::double precision),
    ('ruvector_healing_duration_seconds_count', a.strategy_name,
      CASE WHEN a.finished_at IS NOT NULL THEN 1 END),
    ('ruvector_healing_recovery_seconds_sum', '',
      CASE WHEN a.state = 'succeeded' THEN
        extract(epoch FROM a.finished_at - coalesce(a.degraded_at, a.created_at))::double precision
      END),
    ('ruvector_healing_recovery_seconds_count', '', CASE WHEN a.state = 'succeeded' THEN 1 END)
  ) m (metric, label, value)
 WHERE (a.started_at IS NOT NULL OR m.metric = 'ruvector_healing_actions_total')
   AND m.value IS NOT NULL
   AND NOT EXISTS (SELECT FROM ruvector.healing_counters)
 GROUP BY 1, 2, 3
ON CONFLICT DO NOTHING;
