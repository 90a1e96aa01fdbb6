-- recall@k of one index and, for ivfflat, how full its lists are. Everything is read; settings that
-- steer the planner end with the inner block, which always ends in a rollback. wanted: {k, samples,
-- probes, seed, max_rows, budget_ms, occupancy}, and exact (false: no comparison, only searches by
-- the index), cost (true: what each search cost, and which index the planner takes with the owner's
-- settings), iterative (the iterative scan that searches go on by; else the one of a new session of
-- the table's owner), kth (what an earlier answer has of each search: how far the k-th row is;
-- compared with that, and nothing is searched exactly), error (samples are the least then: searches
-- go on until recall is within so much in 95 of 100 measurements, or the time is over), since (a
-- transaction, of pg_current_snapshot: replaced is then the share of rows that were written later).
--
-- What a search costs is counted in blocks of index and table (pg_stat_get_xact_blocks_fetched),
-- the same number each time, whatever else the machine does. Planning, a block or two, is left out.
--
-- recall: rows of the table are sampled; each one's k nearest neighbours (itself left out: it finds
-- itself in any index) by the index are compared with those of a sequential scan, which serves a
-- batch of them. Distances are compared, not rows, so that ties cost nothing. Larger tables than
-- max_rows are searched by the index again, looking further, and in a sample of blocks: rows there
-- that are nearer than the k-th known and are not known are misses, counted up by the share that
-- was read. A figure from so few misses is noisy, so that two standard errors are taken off them: a
-- sample may overlook a loss, and does not invent one.
--
-- Which index a scan uses is the planner's choice. Two indexes over the same column are told apart
-- by the probes at planning time: with few the one with more lists is the cheaper, with all of them
-- the smaller one, or the newer one (healing_planning). pgvector reads the probes to scan with when
-- the scan begins, so that they are set between the two. plan_cache_mode auto, whatever a role has:
-- EXECUTE plans each time, and the other plans, two fifths of the time, are kept.
CREATE OR REPLACE FUNCTION ruvector.healing_measure_index(index_oid oid, wanted jsonb)
RETURNS jsonb
LANGUAGE plpgsql
SET enable_sort = off
SET enable_bitmapscan = off
SET max_parallel_workers_per_gather = 0
SET jit = off
SET plan_cache_mode = auto
AS $function$
DECLARE
  facts record;
  began timestamptz := clock_timestamp();
  deadline timestamptz := began + (wanted ->> 'budget_ms')::float8 * interval '1 millisecond';
  k integer := (wanted ->> 'k')::int;
  seed integer := coalesce((wanted ->> 'seed')::int, 0);
  most float8 := (wanted ->> 'max_rows')::float8;
  scanning integer;
  iterative text := wanted ->> 'iterative';
  planned record;
  total float8;
  pages float8;
  share float8;
  bytes float8;
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
  others integer[];
  counts bigint[];
  blocks float8[] := '{}';
  of_index float8 := 0;
  fetched_index bigint;
  searches_ms float8[] := '{}';
  found float8[] := '{}';
  fetched bigint;
  further_distances float8[];
  further_places tid[];
  near_enough float8;
  step timestamptz;
  measured integer := 0;
  hits float8 := 0;
  searched float8 := 0;
  misses float8 := 0;
  least_samples constant integer := (wanted ->> 'samples')::int;
  needed float8;
  further integer;
  batch integer := 10;
  rows_searched tid[];
  -- Of one batch, an element or a row for each search.
  vectors text[];
  searched_for tid[];
  farthest float8[];
  near float8[];
  not_missed tid[];
  kth float8[] := '{}';
  replaced float8;
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
  -- pgvector's limits: the setting recall_probes is for indexes of both methods.
  scanning := least(coalesce(nullif((wanted ->> 'probes')::int, 0), facts.configured),
    CASE facts.method WHEN 'hnsw' THEN 1000 ELSE 32768 END);
  SELECT s.pages, s.total INTO pages, total
    FROM ruvector.healing_index_size(index_oid, (wanted ->> 'exact_count_pages')::float8) s;
  further := CASE facts.method WHEN 'hnsw' THEN least(1000, greatest(200, 4 * scanning))
    ELSE least(facts.lists, greatest(4 * scanning, facts.lists / 10)) END;
  BEGIN
    PERFORM set_config('ivfflat.iterative_scan', 'off', true),
      set_config('hnsw.iterative_scan', 'off', true);
    rows_searched := ruvector.healing_sample_rows(index_oid,
      CASE WHEN jsonb_exists(wanted, 'error') THEN greatest(600, least_samples)
        ELSE least_samples END, seed, pages, total);
    EXECUTE format('SELECT avg(pg_column_size(%s)) FROM ONLY %s WHERE ctid = ANY ($1)', facts.key,
      facts.heap) INTO bytes USING rows_searched[1:50];
    share := ruvector.healing_compared_share(total, bytes, most);
    IF jsonb_exists(wanted, 'since') THEN
      -- A number that seems to come is of a transaction that was begun after ours, or so old that
      -- numbers have gone round since.
      EXECUTE format('SELECT avg((age(xmin) BETWEEN -1000000 AND $2)::int) FROM ONLY %s '
        'WHERE ctid = ANY ($1)', facts.heap) INTO replaced USING rows_searched,
          pg_snapshot_xmax(pg_current_snapshot())::text::numeric - (wanted ->> 'since')::numeric;
    END IF;
    WHILE measured < cardinality(rows_searched) AND (measured = 0 OR clock_timestamp() < deadline)
    LOOP
      vectors := '{}';
      searched_for := '{}';
      farthest := '{}';
      near := '{}';
      not_missed := '{}';
      FOREACH place IN ARRAY rows_searched[measured + 1 : measured + batch] LOOP
        EXIT WHEN clock_timestamp() > deadline AND cardinality(vectors) > 0;
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
          -- pgvector is loaded by now, and its settings are there; before 0.8 it has none.
          IF iterative IS NULL THEN
            BEGIN
              PERFORM ruvector.healing_owner_settings(heap);
              iterative := coalesce(current_setting(facts.method || '.iterative_scan', true),
                'off');
              RAISE EXCEPTION USING ERRCODE = 'RV000';
            EXCEPTION WHEN SQLSTATE 'RV000' THEN
              NULL;
            END;
          END IF;
          PERFORM set_config(facts.method || '.iterative_scan', iterative, true);
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
        fetched_index := pg_stat_get_xact_blocks_fetched(index_oid);
        fetched := fetched_index + pg_stat_get_xact_blocks_fetched(heap);
        searches_ms := searches_ms || (extract(epoch FROM clock_timestamp()) * 1000)::float8;
        FETCH walk INTO distances, places;
        searches_ms[cardinality(searches_ms)] :=
          extract(epoch FROM clock_timestamp()) * 1000
            - searches_ms[cardinality(searches_ms)];
        blocks := blocks || (pg_stat_get_xact_blocks_fetched(index_oid)
          + pg_stat_get_xact_blocks_fetched(heap) - fetched)::float8;
        of_index := of_index + pg_stat_get_xact_blocks_fetched(index_oid) - fetched_index;
        CLOSE walk;
        -- In relaxed order the last one is not the farthest.
        distances := ARRAY(SELECT d FROM unnest(distances[1:k]) d ORDER BY d);
        index_ms := index_ms + extract(epoch FROM clock_timestamp() - step) * 1000;
        returned := returned + cardinality(distances);
        vectors := vectors || vector;
        searched_for := searched_for || place;
        farthest := farthest || CASE WHEN cardinality(distances) = k THEN distances[k] END;
        near := near
          || ARRAY[distances || array_fill(NULL::float8, ARRAY[k - cardinality(distances)])];
        IF share < 1 AND with_exact THEN
          further_distances := '{}';
          further_places := '{}';
          IF further > scanning AND cardinality(distances) = k THEN
            PERFORM set_config(facts.setting, planned.planning, true);
            OPEN walk FOR EXECUTE format(
              'SELECT array_agg(distance), array_agg(place) FROM (
                 SELECT ctid AS place, (%1$s %2$s CAST($1 AS %3$s))::float8 AS distance
                   FROM ONLY %4$s WHERE %5$s ORDER BY %1$s %2$s CAST($1 AS %3$s) LIMIT %6$s) n
                WHERE distance < $2 AND place <> $3 AND place <> ALL ($4)',
              facts.key, facts.operator, facts.key_type, facts.heap, facts.predicate, 4 * k)
                USING vector, distances[k], place, places;
            PERFORM set_config(facts.setting, further::text, true);
            FETCH walk INTO further_distances, further_places;
            CLOSE walk;
            farthest[cardinality(farthest)] := (SELECT d
              FROM unnest(distances || further_distances) d ORDER BY d OFFSET k - 1 LIMIT 1);
          END IF;
          places := coalesce(places, '{}') || coalesce(further_places, '{}');
          not_missed := not_missed
            || ARRAY[places || array_fill(place, ARRAY[5 * k + 1 - cardinality(places)])];
        END IF;
      END LOOP;
      PERFORM set_config('enable_indexscan', 'off', true), set_config('enable_seqscan', 'on', true),
        set_config('enable_sort', 'on', true);
      step := clock_timestamp();
      IF jsonb_exists(wanted, 'kth') THEN
        exact := ARRAY(SELECT d::float8 FROM jsonb_array_elements_text(wanted -> 'kth')
          WITH ORDINALITY u(d, i) WHERE i > measured ORDER BY i);
        others := array_fill(greatest(0, least(k, total - 1))::int, ARRAY[cardinality(vectors)]);
      ELSIF with_exact AND share >= 1 THEN
        SELECT e.kth, e.others INTO exact, others
          FROM ruvector.healing_kth(index_oid, vectors, searched_for, farthest, k) e;
      ELSIF with_exact THEN
        counts := ruvector.healing_nearer(index_oid, vectors, not_missed,
          ARRAY(SELECT coalesce(f, '-infinity') FROM unnest(farthest) WITH ORDINALITY u(f, i)
            ORDER BY i), share, seed + measured);
      END IF;
      FOR i IN 1 .. cardinality(vectors) LOOP
        -- Deleted meanwhile.
        IF vectors[i] IS NULL OR others IS NOT NULL AND exact[i] IS NULL THEN
          kth := kth || NULL::float8;
          CONTINUE;
        END IF;
        distances := array_remove(ARRAY(SELECT unnest(near[i:i])), NULL);
        IF counts IS NOT NULL THEN
          near_enough := (SELECT count(*) FROM unnest(distances) d WHERE d <= farthest[i]
            OR farthest[i] IS NULL);
          hits := hits + near_enough;
          searched := searched + k;
          misses := misses + counts[i];
          kth := kth || coalesce(farthest[i], distances[cardinality(distances)]);
          found := found || near_enough / (k + counts[i] / share);
        ELSIF others IS NOT NULL THEN
          hits := hits + (SELECT count(*) FROM unnest(distances) d WHERE d <= exact[i]);
          searched := searched + others[i];
          kth := kth || exact[i];
          found := found || (SELECT count(*) / nullif(others[i], 0)::float8
            FROM unnest(distances) d WHERE d <= exact[i]);
        END IF;
      END LOOP;
      PERFORM set_config('enable_sort', 'off', true);
      exact_ms := exact_ms + extract(epoch FROM clock_timestamp() - step) * 1000;
      measured := measured + cardinality(vectors);
      -- A share of 3 / n of the searches may find nothing where none of n did so (rule of three).
      needed := CASE WHEN jsonb_exists(wanted, 'error') THEN greatest(least_samples,
        3 / (wanted ->> 'error')::float8, (1.96 * coalesce((SELECT stddev_samp(f)
          FROM unnest(found) f), 1) / (wanted ->> 'error')::float8) ^ 2) ELSE least_samples END;
      EXIT WHEN measured >= needed;
      -- The first batch shows what a search takes; more than 50 at once would cost memory.
      batch := greatest(1, least(50, ceil(needed - measured), extract(epoch
        FROM deadline - clock_timestamp()) * 1000 * measured / greatest(1, extract(epoch
          FROM clock_timestamp() - began) * 1000)))::int;
    END LOOP;
    IF facts.method = 'ivfflat' AND (wanted ->> 'occupancy')::boolean THEN
      PERFORM set_config('ivfflat.iterative_scan', 'off', true);
      lists := coalesce(
        ruvector.healing_read_lists(index_oid, (wanted ->> 'exact_count_pages')::int),
        ruvector.healing_walk_lists(index_oid, wanted, pages, total));
      lists := lists || jsonb_build_object('of', facts.lists,
        'equal', ruvector.healing_equal_vectors(index_oid, seed, pages, total))
          || ruvector.healing_rows_since_built(index_oid, seed, pages, total);
    END IF;
    answer := jsonb_build_object(
      'method', facts.method, 'probes', scanning, 'iterative', iterative, 'k', k,
        'samples', measured, 'rows', total, 'share', share, 'pages', pages,
      'recall', hits / nullif(searched + CASE WHEN counts IS NULL THEN 0
        ELSE greatest(0, misses - 2 * sqrt(misses)) / share END, 0),
      'index_ms', index_ms / nullif(measured, 0), 'exact_ms', exact_ms / nullif(measured, 0),
        'lists', lists, 'replaced', replaced,
      -- Of so few searches the recall is not exact: its standard error.
      'recall_error', (SELECT stddev_samp(f) / sqrt(count(f)) FROM unnest(found) f),
      'search_blocks', CASE WHEN counted THEN (SELECT avg(b) FROM unnest(blocks) b) END,
      'search_blocks_error', CASE WHEN counted THEN (SELECT stddev_samp(b) / sqrt(count(b))
        FROM unnest(blocks) b) END,
      'index_blocks', CASE WHEN counted THEN of_index / nullif(cardinality(blocks), 0) END);
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
