-- Metrics of the loop itself and of the audit trail: of no collection.

CREATE OR REPLACE FUNCTION ruvector.healing_metrics_of_installation()
RETURNS TABLE (family text, suffix text, labels text[], value double precision)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT m.family, '', m.labels, m.value
    FROM ruvector.healing_ticks_now() t
    CROSS JOIN LATERAL (VALUES
      ('ruvector_healing_ticks_total', '{}'::text[], t.ticks::double precision),
      ('ruvector_healing_tick_errors_total', '{}', t.errors),
      ('ruvector_healing_tick_duration_seconds', '{}',
        extract(epoch FROM CASE WHEN t.finished_at >= t.started_at THEN t.finished_at
          ELSE clock_timestamp() END - t.started_at)),
      ('ruvector_healing_tick_interval_seconds', '{}', t.interval_seconds),
      ('ruvector_healing_tick_lag_seconds', '{}',
        extract(epoch FROM clock_timestamp() - t.started_at)),
      ('ruvector_healing_registered_collections', '{}', (SELECT count(*)
        FROM ruvector.collections)),
      ('ruvector_healing_in_recovery', '{}', pg_is_in_recovery()::integer),
      ('ruvector_healing_build_info', ARRAY[ruvector.healing_version(), '{{LANGUAGE}}',
        current_setting('server_version')], 1)
    ) m (family, labels, value)
  UNION ALL
  SELECT m.family, '', '{}', m.value
    FROM ruvector.healing_breaker b
    CROSS JOIN LATERAL (VALUES
      ('ruvector_healing_breaker_state', CASE b.state WHEN 'closed' THEN 0 WHEN 'half_open' THEN 1
        ELSE 2 END::double precision),
      ('ruvector_healing_breaker_open_seconds',
        CASE WHEN b.state <> 'closed'
          THEN extract(epoch FROM clock_timestamp() - b.opened_at)::double precision END)
    ) m (family, value);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_metrics_of_installation() IS 'Metrics of the loop itself.';

CREATE OR REPLACE FUNCTION ruvector.healing_metrics_of_audit()
RETURNS TABLE (family text, suffix text, labels text[], value double precision)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT m.family, '', '{}'::text[], m.value
    FROM (SELECT) one
    LEFT JOIN ruvector.healing_audit_head h ON true
    CROSS JOIN LATERAL (VALUES
      -- Places in the chain, and not rows: events are removed when they are old.
      ('ruvector_healing_events_total',
        (coalesce(h.seq, 0) + (SELECT count(*) FROM ruvector.healing_events e
          WHERE e.seq IS NULL))::double precision),
      ('ruvector_healing_audit_intact', CASE
        WHEN h.seq = h.base_seq THEN 1
        WHEN h.seq IS NOT NULL THEN (
          SELECT (f.broken = 0 AND f.last_seq = h.seq AND f.last_hash = h.hash)::integer
            FROM (SELECT greatest(h.seq - 100, h.base_seq) AS seq) s
            CROSS JOIN LATERAL ruvector.healing_audit_link_findings(
              s.seq, CASE WHEN s.seq = h.base_seq THEN h.base_hash ELSE (SELECT e.hash
                FROM ruvector.healing_events e WHERE e.seq = s.seq) END,
              9223372036854775807, h) f) END::double precision),
      -- In the order of the chain: the least time of all that follow a signature reads them all.
      ('ruvector_healing_audit_unsigned_seconds', coalesce(extract(epoch FROM clock_timestamp()
        - least((SELECT min(e.at) FROM ruvector.healing_events e WHERE e.seq IS NULL),
          (SELECT e.at FROM ruvector.healing_events e
            WHERE e.seq > coalesce((SELECT max(s.seq)
              FROM ruvector.healing_audit_signatures s), 0)
            ORDER BY e.seq LIMIT 1)))::double precision, 0))
    ) m (family, value);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_metrics_of_audit() IS 'Metrics of the audit trail.';
