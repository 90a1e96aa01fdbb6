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
              WHERE s.executed_at > clock_timestamp() - interval '1 hour'
           UNION ALL
          SELECT s.action_id, s.undo_at, s.undone, s.bytes * s.undone / greatest(s.rows, 1),
            s.undo_wal_bytes
            FROM ruvector.healing_steps s WHERE s.undo_at > clock_timestamp() - interval '1 hour') w
   WHERE healing_written.collection_id IS NULL
      OR EXISTS (SELECT FROM ruvector.healing_actions a WHERE a.id = w.action_id
        AND a.collection_id = healing_written.collection_id);
$function$;
COMMENT ON FUNCTION ruvector.healing_written(integer)
  IS 'Rows, bytes and write-ahead log that the loop wrote within the last hour, on one collection '
  'or (NULL) on all.';

-- Of the rows that were moved within oscillation_window_seconds, the share that is back where it
-- was: undone, or moved back by a later action.
CREATE OR REPLACE FUNCTION ruvector.healing_net_zero(collection_id integer DEFAULT NULL)
RETURNS TABLE (collection_id_ integer, moved bigint, returned bigint, ratio double precision)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT n.collection_id, n.moved, n.returned, CASE WHEN n.moved > 0
    THEN least(1, n.returned::float8 / n.moved) END
    FROM (SELECT c.collection_id, coalesce(sum(s.rows - s.came_back), 0)::bigint AS moved,
      coalesce(sum(s.undone + s.came_back), 0)::bigint AS returned
            FROM ruvector.collections c
           CROSS JOIN (SELECT ruvector.healing_settings(0) AS settings OFFSET 0) b
            LEFT JOIN ruvector.healing_config o ON o.collection_id = c.collection_id
           CROSS JOIN LATERAL
             (SELECT make_interval(secs => (ruvector.healing_settings_over(b.settings, o.settings)
             ->> 'oscillation_window_seconds')::float8) AS span) w
            LEFT JOIN (ruvector.healing_actions a
              JOIN ruvector.healing_steps s ON s.action_id = a.id AND s.kind = 'move_rows')
                   ON a.collection_id = c.collection_id
                     AND s.executed_at > clock_timestamp() - w.span
           WHERE healing_net_zero.collection_id IS NULL
             OR c.collection_id = healing_net_zero.collection_id
           GROUP BY c.collection_id) n;
$function$;
COMMENT ON FUNCTION ruvector.healing_net_zero(integer)
  IS 'Net-zero move ratio: the share of moved rows that came back to where they were, by '
  'collection; NULL where none were moved.';
