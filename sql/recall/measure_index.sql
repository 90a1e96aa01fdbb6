-- recall@k of one index and, for ivfflat, how full its lists are. Everything is read; settings that
-- steer the planner end with the inner block, which always ends in a rollback. wanted: {k, samples,
-- probes, seed, max_rows, budget_ms, occupancy}, and exact (false: no comparison, only searches by
-- the index), cost (true: what each search cost, and which index the planner takes with the owner's
-- settings), kth (what an earlier answer has of each search: how far the k-th row is; compared with
-- that, and nothing is searched exactly).
--
-- What a search costs is counted in blocks of the index and its table
-- (pg_stat_get_xact_blocks_fetched): the same number each time, whatever else the machine does.
-- Planning, which reads a block or two itself, is left out.
--
-- recall: rows of the table are sampled; each one's k nearest neighbours (itself left out: it finds
-- itself in any index) by the index are compared with those of a sequential scan. Distances are
-- compared, not rows, so that ties cost nothing. Larger tables than max_rows are searched in a
-- sample of blocks: rows there that are nearer than the k-th found and were not found are misses,
-- counted up by the share that was read. A figure from so few misses is noisy, so that two standard
-- errors are taken off the misses: a sample may overlook a loss, and does not invent one.
--
-- Which index a scan uses is the planner's choice. Two indexes over the same column are told apart
-- by the probes at planning time: with few the one with more lists is the cheaper, with all of them
-- the smaller one, or the newer one (healing_planning). pgvector reads the probes to scan with when
-- the scan begins, so that they are set between the two.
CREATE OR REPLACE FUNCTION ruvector.healing_measure_index(index_oid oid, wanted jsonb)
RETURNS jsonb
LANGUAGE plpgsql
SET enable_sort = off
SET enable_bitmapscan = off
SET max_parallel_workers_per_gather = 0
SET jit = off
SET plan_cache_mode = force_custom_plan
AS $function$
DECLARE
  facts record;
  began timestamptz := clock_timestamp();
  deadline timestamptz := began + (wanted ->> 'budget_ms')::float8 * interval '1 millisecond';
  k integer := (wanted ->> 'k')::int;
  seed integer := coalesce((wanted ->> 'seed')::int, 0);
  most float8 := (wanted ->> 'max_rows')::float8;
  scanning integer;
  planned record;
  total float8;
  pages float8;
  share float8;
  heap oid := (SELECT indrelid FROM pg_index WHERE indexrelid = index_oid);
  with_exact boolean := coalesce((wanted ->> 'exact')::boolean, true);
  counted boolean := current_setting('track_counts')::boolean;
  place tid;
  vector text;
  takes text;
  walk refcursor;
  distances float8[];
  places tid[];
  exact float8[];
  blocks float8[] := '{}';
  searches_ms float8[] := '{}';
  found float8[] := '{}';
  fetched bigint;
  nearer bigint;
  step timestamptz;
  measured integer := 0;
  hits float8 := 0;
  searched float8 := 0;
  misses float8 := 0;
  kth float8[] := '{}';
  returned float8 := 0;
  index_ms float8 := 0;
  exact_ms float8 := 0;
  lists jsonb;
  answer jsonb;
BEGIN
  SELECT * INTO facts FROM ruvector.healing_vector_index(index_oid);
  IF facts.index IS NULL THEN
    RETURN jsonb_build_object('why', 'the index is gone');
  END IF;
  -- Never behind somebody's ACCESS EXCLUSIVE lock.
  EXECUTE format('LOCK TABLE ONLY %s IN ACCESS SHARE MODE NOWAIT', facts.heap);
  scanning := coalesce(nullif((wanted ->> 'probes')::int, 0), facts.configured);
  SELECT pg_relation_size(h.oid) / current_setting('block_size')::float8,
    greatest(h.reltuples, pg_stat_get_live_tuples(h.oid))
    INTO pages, total FROM pg_index i JOIN pg_class h ON h.oid = i.indrelid
      WHERE i.indexrelid = index_oid;
  IF pages <= (wanted ->> 'exact_count_pages')::float8 THEN
    EXECUTE format('SELECT count(*) FROM ONLY %s WHERE (%s) AND %s IS NOT NULL', facts.heap,
      facts.predicate, facts.key) INTO total;
  ELSIF facts.predicate <> 'true' THEN
    SELECT CASE WHEN reltuples >= 0 THEN reltuples ELSE total END INTO total FROM pg_class
      WHERE oid = index_oid;
  END IF;
  share := least(1, most / greatest(1, total));
  BEGIN
    PERFORM set_config('ivfflat.iterative_scan', 'off', true),
      set_config('hnsw.iterative_scan', 'off', true);
    FOREACH place IN ARRAY ruvector.healing_sample_rows(index_oid, (wanted ->> 'samples')::int,
      seed, pages, total) LOOP
      EXIT WHEN clock_timestamp() > deadline AND measured > 0;
      EXECUTE format('SELECT %s::text FROM ONLY %s WHERE ctid = $1', facts.key, facts.heap)
        INTO vector USING place;
      IF planned IS NULL THEN
        SELECT * INTO planned FROM ruvector.healing_planning(index_oid, vector, scanning, k + 1);
        IF planned.planning IS NULL THEN
          answer := jsonb_build_object('why', coalesce(
            'the planner takes ' || quote_ident(planned.chosen) || ' in its place',
            'the planner does not use it'));
          RAISE EXCEPTION USING ERRCODE = 'RV000';
        END IF;
        IF (wanted ->> 'cost')::boolean THEN
          takes := ruvector.healing_planner_takes(index_oid, vector, scanning, k);
        END IF;
      END IF;
      PERFORM set_config(facts.setting, planned.planning, true),
        set_config('enable_indexscan', 'on', true), set_config('enable_seqscan', 'off', true);
      step := clock_timestamp();
      OPEN walk FOR EXECUTE format(
        'SELECT array_agg(distance), array_agg(place) FROM (
           SELECT ctid AS place, (%1$s %2$s CAST($1 AS %3$s))::float8 AS distance
             FROM ONLY %4$s WHERE %5$s ORDER BY %1$s %2$s CAST($1 AS %3$s) LIMIT %6$s) n
          WHERE place <> $2',
        facts.key, facts.operator, facts.key_type, facts.heap, facts.predicate, k + 1)
          USING vector, place;
      PERFORM set_config(facts.setting, scanning::text, true);
      fetched := pg_stat_get_xact_blocks_fetched(index_oid) + pg_stat_get_xact_blocks_fetched(heap);
      searches_ms := searches_ms || (extract(epoch FROM clock_timestamp()) * 1000)::float8;
      FETCH walk INTO distances, places;
      searches_ms[measured + 1] :=
        extract(epoch FROM clock_timestamp()) * 1000 - searches_ms[measured + 1];
      blocks := blocks || (pg_stat_get_xact_blocks_fetched(index_oid)
        + pg_stat_get_xact_blocks_fetched(heap) - fetched)::float8;
      CLOSE walk;
      distances := coalesce(distances[1:k], '{}');
      index_ms := index_ms + extract(epoch FROM clock_timestamp() - step) * 1000;
      PERFORM set_config('enable_indexscan', 'off', true), set_config('enable_seqscan', 'on', true),
        set_config('enable_sort', 'on', true);
      step := clock_timestamp();
      returned := returned + cardinality(distances);
      IF jsonb_exists(wanted, 'kth') THEN
        EXIT WHEN measured >= jsonb_array_length(wanted -> 'kth');
        hits := hits + (SELECT count(*) FROM unnest(distances) d
          WHERE d <= (wanted #>> ARRAY['kth', measured::text])::float8);
        searched := searched + least(k, total - 1);
        found := found || ((SELECT count(*) FROM unnest(distances) d
          WHERE d <= (wanted #>> ARRAY['kth', measured::text])::float8) / least(k, total - 1));
      ELSIF NOT with_exact THEN
        NULL;
      ELSIF share >= 1 THEN
        EXECUTE format(
          'SELECT array_agg(distance) FROM (
             SELECT (%1$s %2$s CAST($1 AS %3$s))::float8 AS distance FROM ONLY %4$s
              WHERE (%5$s) AND %1$s IS NOT NULL AND ctid <> $2 ORDER BY 1 LIMIT %6$s) n',
          facts.key, facts.operator, facts.key_type, facts.heap, facts.predicate, k) INTO exact
            USING vector, place;
        searched := searched + coalesce(cardinality(exact), 0);
        kth := kth || exact[cardinality(exact)];
        hits := hits + (SELECT count(*) FROM unnest(distances) d
          WHERE d <= exact[cardinality(exact)]);
        found := found || (SELECT count(*) / nullif(cardinality(exact), 0)::float8
          FROM unnest(distances) d WHERE d <= exact[cardinality(exact)]);
      ELSE
        EXECUTE format(
          'SELECT count(*) FROM ONLY %4$s TABLESAMPLE SYSTEM (%6$s) REPEATABLE (%7$s)
            WHERE (%5$s) AND %1$s IS NOT NULL AND ctid <> $2 AND ctid <> ALL ($3)
              AND (%1$s %2$s CAST($1 AS %3$s))::float8 < $4',
          facts.key, facts.operator, facts.key_type, facts.heap, facts.predicate,
            (share * 100)::numeric, seed + measured)
          INTO nearer USING vector, place, coalesce(places, '{}'),
            CASE WHEN cardinality(distances) = k THEN distances[k] ELSE '-infinity' END;
        hits := hits + cardinality(distances);
        misses := misses + nearer;
        kth := kth || distances[cardinality(distances)];
        found := found || (cardinality(distances)::float8 / k * cardinality(distances)
          / greatest(1, cardinality(distances) + nearer / share));
        searched := searched + k;
      END IF;
      PERFORM set_config('enable_sort', 'off', true);
      exact_ms := exact_ms + extract(epoch FROM clock_timestamp() - step) * 1000;
      measured := measured + 1;
    END LOOP;
    IF facts.method = 'ivfflat' AND (wanted ->> 'occupancy')::boolean THEN
      lists := coalesce(
        ruvector.healing_read_lists(index_oid, (wanted ->> 'exact_count_pages')::int),
        ruvector.healing_walk_lists(index_oid, wanted, pages, total));
      lists := lists || jsonb_build_object('equal', ruvector.healing_equal_vectors(index_oid, seed,
        pages, total))
                     || ruvector.healing_rows_since_built(index_oid, seed, pages, total);
    END IF;
    answer := jsonb_build_object(
      'method', facts.method, 'probes', scanning, 'k', k, 'samples', measured, 'rows', total,
        'share', share, 'pages', pages,
      'recall', CASE WHEN share >= 1 OR jsonb_exists(wanted, 'kth') THEN hits / nullif(searched, 0)
                     ELSE least(1, hits / nullif(searched, 0)) * hits / greatest(1,
                       hits + greatest(0, misses - 2 * sqrt(misses)) / share) END,
      'index_ms', index_ms / nullif(measured, 0), 'exact_ms', exact_ms / nullif(measured, 0),
        'lists', lists,
      -- Of so few searches the recall is not exact: its standard error.
      'recall_error', (SELECT stddev_samp(f) / sqrt(count(f)) FROM unnest(found) f),
      'search_blocks', CASE WHEN counted THEN (SELECT avg(b) FROM unnest(blocks) b) END);
    IF (wanted ->> 'cost')::boolean THEN
      answer := answer || jsonb_build_object(
        'blocks', CASE WHEN counted THEN to_jsonb(blocks) END, 'searches_ms', to_jsonb(searches_ms),
          'takes', takes, 'index_name', facts.index_name, 'kth', to_jsonb(kth),
          'returned', returned / nullif(measured, 0));
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'RV000';
  EXCEPTION WHEN SQLSTATE 'RV000' THEN
    NULL;
  END;
  RETURN answer || jsonb_build_object(
    'duration_ms', extract(epoch FROM clock_timestamp() - began) * 1000);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_measure_index(oid, jsonb)
  IS 'Recall and list occupancy of one vector index; changes nothing.';
