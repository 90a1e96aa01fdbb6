-- Keeps the journal of a batch, given what the statement before it moved, {picked, rows, last,
-- tenants, moved}; nothing where no row did. Answers with the same but the rows themselves, with
-- what has to be known then: who waits for the batch, and publications, which no lock that writers
-- could live with keeps off. PL/pgSQL keeps the plans: planned for each batch it was 2 of 40 ms.
CREATE OR REPLACE FUNCTION ruvector.healing_keep_moved(given json, collection_id integer,
  action_id bigint, slice integer, details jsonb, bytes_each double precision, wal pg_lsn,
  relation oid)
RETURNS TABLE (picked integer, rows integer, last json, tenants json, wal_bytes double precision,
  waiting integer, after json, publications text[])
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
DECLARE
  m record;
  opposite bigint[];
  came_back integer := 0;
  took double precision := 0;
BEGIN
  SELECT * INTO m FROM json_to_record(given)
    r (picked integer, rows integer, last json, tenants json, moved jsonb);
  IF m.rows > 0 THEN
    -- Rows that an earlier action took the other way. Journals are read only where one went the
    -- other way at all, which is seldom (0.6 microseconds a row all the same, before it was asked
    -- first); rows that were undone meanwhile are in none.
    opposite := ARRAY(SELECT o.id FROM ruvector.healing_actions a
        JOIN ruvector.healing_steps o ON o.action_id = a.id
       WHERE a.collection_id = healing_keep_moved.collection_id
         AND a.id <> healing_keep_moved.action_id
         AND o.kind = 'move_rows'
         AND o.details ->> 'from' = healing_keep_moved.details ->> 'to'
         AND o.details ->> 'to' = healing_keep_moved.details ->> 'from'
         AND o.executed_at > now() - make_interval(secs =>
           (ruvector.healing_settings(healing_keep_moved.collection_id)
             ->> 'oscillation_window_seconds')::double precision));
    IF opposite <> '{}' THEN
      SELECT count(*) INTO came_back FROM (
        SELECT j.value FROM jsonb_array_elements(m.moved) j
        INTERSECT
        SELECT e.value FROM ruvector.healing_steps o
         CROSS JOIN LATERAL jsonb_array_elements(o.journal) e
         WHERE o.id = ANY (opposite)) back;
    END IF;
    INSERT INTO ruvector.healing_steps AS s (action_id, slice, kind, details, rows, journal, bytes,
      wal_bytes, came_back)
    VALUES (healing_keep_moved.action_id, healing_keep_moved.slice, 'move_rows',
      -- Of which table, as these are numbered here: a restored dump has others for both.
      healing_keep_moved.details || jsonb_build_object('table', relation::text,
        'here', 'ruvector.healing_steps'::regclass::oid::text,
        'columns', (SELECT json_agg(a.attnum ORDER BY i.place)
          FROM jsonb_array_elements_text(healing_keep_moved.details -> 'identity')
            WITH ORDINALITY i (name, place)
          JOIN pg_attribute a ON a.attrelid = relation AND a.attname = i.name)),
      m.rows, m.moved, round(m.rows * bytes_each),
      pg_wal_lsn_diff(pg_current_wal_insert_lsn(), wal), came_back)
    RETURNING s.wal_bytes INTO took;
  END IF;
  RETURN QUERY SELECT m.picked, m.rows, m.last, m.tenants, took,
    ruvector.healing_waiting_for_us(), ruvector.healing_others_at_work(),
    ARRAY(SELECT ruvector.healing_publications_of(relation, NULL));
END
$function$;
COMMENT ON FUNCTION ruvector.healing_keep_moved(json, integer, bigint, integer, jsonb,
  double precision, pg_lsn, oid)
  IS 'Keeps the journal of a batch that moved rows, and says who waits for it.';
