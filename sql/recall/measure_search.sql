-- What searches with a filter are compared with, all of them at once: the matching rows are read
-- once, and each is fetched once (8,000 rows of 1,536 dimensions, 20 searches: 1,020 ms before).
-- wanted: source (the table, or a sample of its blocks: sampled), predicate, k. relations, places:
-- the rows searched for, which are left out. farthest: how far the farthest row that each found is,
-- -infinity where it found fewer than k. kth: how far the k-th nearest is, the last one where there
-- are fewer; others: how many rows that is of. Where blocks were sampled, missed: matching rows
-- there that are nearer than farthest and not among those returned (an array of them as a text).
CREATE OR REPLACE FUNCTION ruvector.healing_search_exact(index_oid oid, wanted jsonb,
  vectors text[], relations oid[], places tid[], farthest double precision[], returned text[],
  OUT kth double precision[], OUT others integer[], OUT missed bigint[])
LANGUAGE plpgsql
SET enable_indexscan = off
SET enable_indexonlyscan = off
SET enable_sort = on
SET enable_seqscan = on
SET enable_bitmapscan = on
AS $function$
DECLARE
  facts record;
  k integer := (wanted ->> 'k')::int;
  distances text[];
  matching text;
BEGIN
  SELECT * INTO facts FROM ruvector.healing_index_key(index_oid);
  -- Never in a format themselves: keys may have a percent sign, the operator <%> has one.
  distances := ARRAY(SELECT format('(v %s CAST(($1)[%s] AS %s))::float8', facts.operator, i,
    facts.key_type) FROM generate_subscripts(vectors, 1) i ORDER BY i);
  matching := format('(SELECT tableoid AS t, ctid AS p, %s AS v FROM %s WHERE %s OFFSET 0) rows_of',
    ruvector.healing_fetched_key(index_oid), wanted ->> 'source',
    ruvector.healing_with_key(wanted ->> 'predicate', facts.key));
  IF (wanted ->> 'sampled')::boolean THEN
    EXECUTE (SELECT format('SELECT ARRAY[%s] FROM %s', string_agg(format(
        'count(*) FILTER (WHERE CASE WHEN %2$s < ($4)[%1$s] AND NOT (t = ($2)[%1$s] '
          'AND p = ($3)[%1$s]) THEN t || p::text <> ALL (CAST(($5)[%1$s] AS text[])) END)',
        i, distances[i]), ', ' ORDER BY i), matching)
      FROM generate_subscripts(vectors, 1) i)
      INTO missed USING vectors, relations, places, farthest, returned;
    RETURN;
  END IF;
  -- Rows farther than those that the index found need not be kept.
  EXECUTE (SELECT format('SELECT ARRAY[%s], ARRAY[%s] FROM (SELECT %s FROM %s) s',
    -- In the select list: as an item of FROM all would be written down once more, by 60,000 rows
    -- and a work_mem of 256 kB into a temporary file.
    string_agg(format('(SELECT max(d) FROM (SELECT d FROM (SELECT unnest(a%s) AS d) u '
      'ORDER BY d LIMIT $5) n WHERE d <> ''NaN'')', i), ', ' ORDER BY i),
    -- Vectors of zeros, by cosine, are in no index.
    string_agg(format('least($5, (SELECT count(*) FROM (SELECT unnest(a%s) AS d) u '
      'WHERE d <> ''NaN''))::int', i), ', ' ORDER BY i),
    string_agg(format('array_agg(%2$s) FILTER (WHERE NOT (t = ($2)[%1$s] AND p = ($3)[%1$s])%3$s) '
      'AS a%1$s', i, distances[i], CASE WHEN farthest[i] > '-infinity'
      THEN format(' AND %2$s <= ($4)[%1$s]', i, distances[i]) END), ', ' ORDER BY i),
    matching) FROM generate_subscripts(vectors, 1) i)
    INTO kth, others USING vectors, relations, places, farthest, k;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_search_exact(oid, jsonb, text[], oid[], tid[],
  double precision[], text[])
  IS 'The nearest of the rows that match a filter, for several searches in one reading.';

-- What a search with a filter finds and costs, as a user's query does: SELECT ... FROM table WHERE
-- predicate ORDER BY distance LIMIT k, over the whole table, with what a new session of the table's
-- owner has. Whichever index the planner takes: where it is none of pgvector's, or none at all, the
-- answer is exact, and nothing is compared (nor read, above max_rows). index_oid: one that says by
-- which key and distance.
-- wanted: {predicate, k, samples, seed, budget_ms, max_rows}, settings (they stand over the
-- owner's), for_more (true: the answer has kth and others), kth and others (of an earlier answer:
-- compared with that, and nothing is searched exactly again).
--
-- Searched for are rows that match, themselves left out: whoever asks for a tenant's rows asks with
-- something like them. A larger table than max_rows is compared by a sample of its blocks, as in
-- healing_measure_index; a search that returns fewer rows than match found at most those.
CREATE OR REPLACE FUNCTION ruvector.healing_measure_search(index_oid oid, relation oid,
  wanted jsonb)
RETURNS jsonb
LANGUAGE plpgsql
SET jit = off
AS $function$
DECLARE
  facts record;
  began timestamptz := clock_timestamp();
  deadline timestamptz := began + (wanted ->> 'budget_ms')::float8 * interval '1 millisecond';
  k integer := (wanted ->> 'k')::int;
  seed integer := (wanted ->> 'seed')::int;
  predicate text := wanted ->> 'predicate';
  counted boolean := current_setting('track_counts')::boolean;
  members oid[];
  relids oid[];
  total float8;
  share float8;
  heap text;
  heap_blocks float8;
  source text;
  bytes float8;
  of_blocks constant text := ' TABLESAMPLE SYSTEM (%s) REPEATABLE (%s)';
  nearest constant text := 'SELECT tableoid AS t, ctid AS p, '
    '(%1$s %2$s CAST(%7$s AS %3$s))::float8 AS d FROM %4$s WHERE %5$s '
    'ORDER BY %1$s %2$s CAST(%7$s AS %3$s) LIMIT %6$s';
  search text;
  explained jsonb;
  takes text[];
  others_take text;
  matches float8;
  from_relations oid[];
  from_places tid[];
  walk refcursor;
  most_at_once integer;
  batch integer;
  first integer := 1;
  next integer;
  vector text;
  fetched float8;
  clock timestamptz;
  one record;
  exact record;
  vectors text[];
  near float8[];
  farthest float8[];
  names text[];
  rows integer[];
  distances float8[];
  expected integer;
  hit float8;
  kth float8[] := '{}';
  others integer[] := '{}';
  blocks float8[] := '{}';
  searches_ms float8[] := '{}';
  found float8[] := '{}';
  hits float8 := 0;
  due float8 := 0;
  misses float8 := 0;
  returned float8 := 0;
  answer jsonb;
BEGIN
  SELECT * INTO facts FROM ruvector.healing_index_key(index_oid);
  IF facts.index IS NULL THEN
    RETURN jsonb_build_object('why', 'the index is gone');
  END IF;
  heap := relation::regclass::text;
  WITH RECURSIVE f(relid) AS (SELECT relation UNION SELECT h.inhrelid
    FROM f JOIN pg_inherits h ON h.inhparent = f.relid)
  SELECT array_agg(c.oid), sum(greatest(c.reltuples, pg_stat_get_live_tuples(c.oid), 0))
      FILTER (WHERE c.relkind = 'r'),
    sum(CASE WHEN c.relkind = 'r' THEN pg_relation_size(c.oid) END)
      / current_setting('block_size')::float8
    INTO members, total, heap_blocks FROM f JOIN pg_class c ON c.oid = f.relid;
  IF EXISTS (SELECT FROM pg_foreign_table WHERE ftrelid = ANY (members)) THEN
    RETURN jsonb_build_object('why', 'a partition is a foreign table, which is not read');
  END IF;
  EXECUTE format('LOCK TABLE %s IN ACCESS SHARE MODE NOWAIT', heap);
  relids := members
    || ARRAY(SELECT i.indexrelid FROM pg_index i WHERE i.indrelid = ANY (members));
  share := ruvector.healing_compared_share(total, 0, (wanted ->> 'max_rows')::float8);
  source := heap || CASE WHEN share < 1 THEN format(of_blocks, (100 * share)::numeric, seed)
    ELSE '' END;
  search := format(nearest, facts.key, facts.operator, facts.key_type, heap, predicate, k + 1,
    '$1');
  BEGIN
    -- Counted by itself: to be counted with those that are taken all would be written down.
    EXECUTE format('SELECT coalesce(array_agg(t), ''{}''), coalesce(array_agg(p), ''{}''),
        (SELECT count(*) FROM %1$s WHERE %2$s) FROM (
          SELECT tableoid AS t, ctid AS p, %5$s AS v FROM %1$s
           WHERE %2$s ORDER BY hashtext(ctid::text || %3$L) LIMIT %4$s) s %6$s',
      source, ruvector.healing_with_key(predicate, facts.key), seed, wanted ->> 'samples',
      facts.key, ruvector.healing_with_direction(facts.operator))
      INTO from_relations, from_places, matches;
    -- What each is compared with is kept: 32 MB of distances at most.
    most_at_once := greatest(1, least(50, 4000000 / greatest(1, matches)));
    batch := least(4, most_at_once);
    matches := matches / share;
    WHILE first <= cardinality(from_places) AND (first = 1 OR clock_timestamp() < deadline) LOOP
      vectors := '{}';
      near := '{}';
      farthest := '{}';
      names := '{}';
      rows := '{}';
      next := first;
      WHILE next <= cardinality(from_places) AND next < first + batch
        AND (next = first OR clock_timestamp() < deadline)
      LOOP
        EXECUTE format('SELECT %1$s::text, pg_column_size(%1$s) FROM ONLY %2$s WHERE ctid = $1',
          facts.key, from_relations[next]::regclass) INTO vector, bytes USING from_places[next];
        IF next = 1 THEN
          -- Of those that match the vectors are read: fewer where these are wide.
          IF NOT jsonb_exists(wanted, 'others') THEN
            share := least(share, ruvector.healing_compared_share(matches, bytes,
              (wanted ->> 'max_rows')::float8));
          END IF;
          IF share < 1 THEN
            source := heap || format(of_blocks, (100 * share)::numeric, seed);
          END IF;
          -- pgvector is loaded by now, and its settings are there.
          PERFORM ruvector.healing_owner_settings(relation), set_config('jit', 'off', true);
          PERFORM set_config(s.key, s.value, true) FROM jsonb_each_text(wanted -> 'settings') s;
          EXECUTE 'EXPLAIN (VERBOSE, FORMAT JSON) ' || format(nearest, facts.key, facts.operator,
            facts.key_type, heap, predicate, k + 1, quote_literal(vector)) INTO explained;
          SELECT array_agg(DISTINCT format('%I.%I', n ->> 'Schema', n ->> 'Index Name'))
              FILTER (WHERE jsonb_exists(n, 'Order By')),
            min(n ->> 'Index Name') FILTER (WHERE NOT jsonb_exists(n, 'Order By'))
            INTO takes, others_take
            FROM jsonb_path_query(explained, '$.**') n WHERE jsonb_typeof(n) = 'object'
              AND jsonb_exists(n, 'Index Name');
          -- Exact by itself, and it may read a table of any size: not to be made to show that.
          EXIT WHEN takes IS NULL AND share < 1;
        END IF;
        OPEN walk FOR EXECUTE 'SELECT array_agg(d) AS far, array_agg(t || p::text) AS found '
          || 'FROM (' || search || ') n WHERE NOT (t = $2 AND p = $3)'
          USING vector, from_relations[next], from_places[next];
        fetched := (SELECT sum(pg_stat_get_xact_blocks_fetched(r)) FROM unnest(relids) r);
        clock := clock_timestamp();
        FETCH walk INTO one;
        searches_ms := searches_ms
          || (extract(epoch FROM clock_timestamp() - clock) * 1000)::float8;
        blocks := blocks || ((SELECT sum(pg_stat_get_xact_blocks_fetched(r))
          FROM unnest(relids) r) - fetched);
        CLOSE walk;
        distances := coalesce(one.far[1:k], '{}');
        vectors := vectors || vector;
        rows := rows || cardinality(distances);
        returned := returned + cardinality(distances);
        near := near
          || ARRAY[distances || array_fill(NULL::float8, ARRAY[k - cardinality(distances)])];
        -- In relaxed order the last one is not the farthest.
        farthest := farthest || CASE WHEN cardinality(distances) < k THEN '-infinity'
          ELSE (SELECT max(d) FROM unnest(distances) d) END;
        names := names || coalesce(one.found, '{}')::text;
        next := next + 1;
        -- Exact by itself: what one of them costs is enough.
        EXIT WHEN takes IS NULL;
      END LOOP;
      IF takes IS NULL THEN
        others := ARRAY[coalesce(rows[1], least(k, matches - 1)::int)];
        returned := others[1];
        EXIT;
      END IF;
      IF jsonb_exists(wanted, 'others') THEN
        SELECT ARRAY(SELECT d::float8 FROM jsonb_array_elements_text(wanted -> 'kth')
            WITH ORDINALITY u(d, i) WHERE i >= first AND i < next ORDER BY i) AS kth,
          ARRAY(SELECT d::int FROM jsonb_array_elements_text(wanted -> 'others')
            WITH ORDINALITY u(d, i) WHERE i >= first AND i < next ORDER BY i) AS others,
          NULL::bigint[] AS missed INTO exact;
        EXIT WHEN cardinality(exact.others) < cardinality(vectors);
      ELSE
        SELECT * INTO exact FROM ruvector.healing_search_exact(index_oid,
          wanted || jsonb_build_object('source', source, 'sampled', share < 1), vectors,
          from_relations[first : next - 1], from_places[first : next - 1], farthest, names) e;
      END IF;
      FOR i IN 1 .. cardinality(vectors) LOOP
        IF exact.missed IS NULL THEN
          expected := exact.others[i];
          hit := (SELECT count(*) FROM unnest(near[i:i]) d WHERE d <= exact.kth[i]);
          kth := kth || exact.kth[i];
        ELSE
          expected := least(k, greatest(matches - 1, rows[i]))::int;
          hit := rows[i];
          misses := misses + CASE WHEN rows[i] = k THEN exact.missed[i] ELSE 0 END;
        END IF;
        others := others || expected;
        hits := hits + hit;
        due := due + expected;
        found := found || hit / nullif(expected + CASE WHEN exact.missed IS NOT NULL
          AND rows[i] = k THEN exact.missed[i] / share ELSE 0 END, 0);
      END LOOP;
      batch := greatest(1, least(most_at_once, extract(epoch FROM deadline
        - clock_timestamp()) * next
        / greatest(0.001, extract(epoch FROM clock_timestamp() - began))))::int;
      first := next;
    END LOOP;
    answer := jsonb_build_object(
      'k', k, 'matches', matches, 'share', share, 'samples', cardinality(others),
      'recall', CASE WHEN cardinality(from_places) = 0 THEN NULL
        WHEN takes IS NULL THEN 1 ELSE hits / nullif(due
        + greatest(0, misses - 2 * sqrt(misses)) / share, 0) END,
      'recall_error', CASE WHEN takes IS NULL THEN 0
        ELSE (SELECT stddev_samp(f) / sqrt(count(f)) FROM unnest(found) f) END,
      'returned', returned / nullif(cardinality(others), 0),
      'asked', (SELECT avg(o) FROM unnest(others) o),
      'ms', (SELECT avg(m) FROM unnest(searches_ms) m),
      'blocks', CASE WHEN counted THEN (SELECT avg(b) FROM unnest(blocks) b) END,
      'table_blocks', heap_blocks, 'indexes', to_jsonb(coalesce(takes, '{}')),
      'takes', CASE WHEN takes IS NULL THEN others_take END,
      'settings', coalesce((SELECT jsonb_object_agg(s.name, s.setting)
        FROM ruvector.healing_parameters() s
        WHERE s.name IN ('hnsw.ef_search', 'hnsw.iterative_scan', 'hnsw.max_scan_tuples',
          'ivfflat.probes', 'ivfflat.iterative_scan', 'ivfflat.max_probes')), '{}'));
    IF (wanted ->> 'for_more')::boolean AND share >= 1 THEN
      answer := answer || jsonb_build_object('kth', to_jsonb(kth), 'others', to_jsonb(others));
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'RV000';
  EXCEPTION WHEN SQLSTATE 'RV000' THEN
    NULL;
  END;
  RETURN answer;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_measure_search(oid, oid, jsonb)
  IS 'Rows and recall that a search with a filter gets, and what it costs, with what a new session '
  'of the table''s owner has; changes nothing.';
