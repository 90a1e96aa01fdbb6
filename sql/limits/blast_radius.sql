-- What the loop has written within the last hour, undoing included: of one collection, or of the
-- whole installation (NULL).
CREATE OR REPLACE FUNCTION ruvector.healing_written(collection_id integer DEFAULT NULL)
RETURNS TABLE (rows bigint, bytes bigint, wal_bytes bigint, oldest timestamptz)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT coalesce(sum(w.rows), 0)::bigint, coalesce(sum(w.bytes), 0)::bigint,
    coalesce(sum(w.wal_bytes), 0)::bigint, min(w.at)
    FROM (SELECT s.action_id, s.executed_at AS at, s.rows, s.bytes, s.wal_bytes
            FROM ruvector.healing_steps s
              WHERE s.executed_at > now() - interval '1 hour'
                AND s.executed_at > clock_timestamp() - interval '1 hour'
                -- Further ahead is of a clock that was set back since.
                AND s.executed_at < clock_timestamp() + interval '1 hour'
           UNION ALL
          SELECT s.action_id, s.undo_at, s.undone, s.bytes * s.undone / greatest(s.rows, 1),
            s.undo_wal_bytes
            FROM ruvector.healing_steps s
              WHERE s.undo_at > now() - interval '1 hour'
                AND s.undo_at > clock_timestamp() - interval '1 hour'
                AND s.undo_at < clock_timestamp() + interval '1 hour') w
   WHERE healing_written.collection_id IS NULL
      OR healing_written.collection_id = (SELECT a.collection_id FROM ruvector.healing_actions a
        WHERE a.id = w.action_id);
$function$;
COMMENT ON FUNCTION ruvector.healing_written(integer)
  IS 'Rows, bytes and write-ahead log that the loop wrote within the last hour, on one collection '
  'or (NULL) on all.';

-- Of the rows that were moved within oscillation_window_seconds, the share that is back where it
-- was: undone, or moved back by a later action.
CREATE OR REPLACE FUNCTION ruvector.healing_net_zero(collection_id integer DEFAULT NULL)
RETURNS TABLE (collection_id_ integer, moved bigint, returned bigint, ratio double precision)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $function$
DECLARE
  base constant jsonb := ruvector.healing_settings(0);
BEGIN
  -- From the moves on, by their time: from the collections on, each looked through all moves, 10 ms
  -- for 100 of them where nothing had moved.
  RETURN QUERY WITH spans AS MATERIALIZED (
    SELECT c.collection_id AS id, make_interval(secs => (ruvector.healing_settings_over(base,
      o.settings) ->> 'oscillation_window_seconds')::float8) AS span
      FROM ruvector.collections c
      LEFT JOIN ruvector.healing_config o ON o.collection_id = c.collection_id
     WHERE healing_net_zero.collection_id IS NULL
        OR c.collection_id = healing_net_zero.collection_id
  ), moves AS (
    SELECT p.id, sum(s.rows - s.came_back)::bigint AS moved,
           sum(s.undone + s.came_back)::bigint AS returned
      FROM ruvector.healing_steps s
      JOIN ruvector.healing_actions a ON a.id = s.action_id
      JOIN spans p ON p.id = a.collection_id
     WHERE s.kind = 'move_rows' AND s.executed_at > clock_timestamp() - p.span
       AND s.executed_at > (SELECT clock_timestamp() - max(w.span) FROM spans w)
     GROUP BY p.id
  )
  SELECT p.id, coalesce(m.moved, 0), coalesce(m.returned, 0), CASE WHEN m.moved > 0
    THEN least(1, m.returned::float8 / m.moved) END
    FROM spans p LEFT JOIN moves m ON m.id = p.id;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_net_zero(integer)
  IS 'Net-zero move ratio: the share of moved rows that came back to where they were, by '
  'collection; NULL where none were moved.';
