-- What a fresh build of an index attains: the same method, operator class and options on a sample
-- of its rows, in a temporary table that is rolled back with everything else. wanted: {k, samples,
-- probes, seed, rows, budget_ms, sample_rows}, and options, which stand over the index's own.
--
-- The first hundreds of rows show what a build takes, and so how many rows the time allows: a
-- CREATE INDEX cannot be told when to end. A sample that holds all rows says what is due. Of an
-- hnsw index on more rows it says too much: recall falls with the logarithm of the rows. So a
-- fourth of the sample is built as well, and the line through both goes on to all rows. Of an
-- ivfflat index with the same lists it says too little, which accuses nobody: the fewer rows, the
-- further away the k-th of them is.
CREATE OR REPLACE FUNCTION ruvector.healing_trial_index(index_oid oid, wanted jsonb)
RETURNS jsonb
LANGUAGE plpgsql
AS $function$
DECLARE
  facts record;
  total float8 := (wanted ->> 'rows')::float8;
  pages float8;
  most integer := (wanted ->> 'sample_rows')::int;
  budget float8 := (wanted ->> 'budget_ms')::float8;
  began timestamptz;
  built_ms float8;
  bytes float8;
  rows integer;
  n integer;
  found jsonb[] := '{}';
  one jsonb;
  options text;
  slope float8 := 0;
  slope_error float8 := 0;
  dearer float8 := 0;
  answer jsonb;
  snapshot constant text := pg_snapshot_xmax(pg_current_snapshot())::text;
BEGIN
  SELECT * INTO facts FROM ruvector.healing_vector_index(index_oid);
  IF facts.index IS NULL THEN
    RETURN jsonb_build_object('why', 'the index is gone');
  END IF;
  EXECUTE format('LOCK TABLE ONLY %s IN ACCESS SHARE MODE NOWAIT', facts.heap);
  SELECT pg_relation_size(i.indrelid) / current_setting('block_size')::float8 INTO pages
    FROM pg_index i WHERE i.indexrelid = index_oid;
  options := (SELECT string_agg(format('%I = %L', o.name, o.value), ', ' ORDER BY o.name)
    FROM (SELECT DISTINCT ON (name) name, value FROM (
      SELECT key AS name, value, 1 AS place FROM jsonb_each_text(wanted -> 'options')
      UNION ALL SELECT option_name, option_value, 2 FROM pg_class c
        CROSS JOIN LATERAL pg_options_to_table(c.reloptions) WHERE c.oid = index_oid) u
      ORDER BY name, place) o);
  BEGIN
    EXECUTE format('CREATE TEMPORARY TABLE ruvector_sample (place integer GENERATED ALWAYS AS '
      'IDENTITY, e %s)', facts.key_type);
    EXECUTE format('INSERT INTO pg_temp.ruvector_sample (e) SELECT %s FROM ONLY %s '
      'WHERE ctid = ANY ($1) ORDER BY hashtext(ctid::text || $2)', facts.key, facts.heap)
      USING ruvector.healing_sample_rows(index_oid, most, (wanted ->> 'seed')::int, pages, total),
        wanted ->> 'seed';
    SELECT count(*), avg(pg_column_size(e)) INTO rows, bytes FROM pg_temp.ruvector_sample;
    IF rows < 2 THEN
      answer := jsonb_build_object('why', 'it has too few rows');
      RAISE EXCEPTION USING ERRCODE = 'RV000';
    END IF;
    -- What does not fit into maintenance_work_mem is built many times as slowly: beside its vector
    -- a row has some 500 bytes there (hnsw, m 16).
    rows := least(rows, greatest(100, (pg_size_bytes(current_setting('maintenance_work_mem')) / 2
      / (bytes + 500))::int));
    n := least(rows, 400);
    LOOP
      EXECUTE format('CREATE TEMPORARY TABLE ruvector_trial (e %s)', facts.key_type);
      EXECUTE 'INSERT INTO pg_temp.ruvector_trial SELECT e FROM pg_temp.ruvector_sample '
        'WHERE place <= $1' USING n;
      began := clock_timestamp();
      EXECUTE (SELECT format('CREATE INDEX ruvector_trial_e ON pg_temp.ruvector_trial USING %I '
        '(e %I.%I)%s', facts.method, kn.nspname, k.opcname, ' WITH (' || options || ')')
        FROM pg_index i JOIN pg_opclass k ON k.oid = i.indclass[0]
          JOIN pg_namespace kn ON kn.oid = k.opcnamespace WHERE i.indexrelid = index_oid);
      built_ms := extract(epoch FROM clock_timestamp() - began) * 1000;
      one := ruvector.healing_measure_index('pg_temp.ruvector_trial_e'::regclass, wanted
        || jsonb_build_object('max_rows', 1000000000, 'exact_count_pages', 1000000000,
          'occupancy', false, 'cost', false, 'exact', true));
      found := found || (one || jsonb_build_object('n', n, 'build_ms', built_ms));
      DROP TABLE pg_temp.ruvector_trial;
      EXIT WHEN n >= rows OR cardinality(found) >= 3;
      IF cardinality(found) = 1 THEN
        -- A build of twice the rows takes a little more than twice as long.
        n := least(rows, greatest(n, (n * budget / greatest(1, 1.3 * built_ms
          * (CASE WHEN facts.method = 'hnsw' THEN 1.25 ELSE 1 END)))::int));
        EXIT WHEN n <= 400;
        rows := n;
        IF n < total AND facts.method = 'hnsw' THEN
          n := greatest(400, n / 4);
        END IF;
      ELSE
        n := rows;
      END IF;
    END LOOP;
    one := found[cardinality(found)];
    IF one ->> 'recall' IS NULL THEN
      answer := jsonb_build_object('why', coalesce(one ->> 'why', 'nothing was found'));
      RAISE EXCEPTION USING ERRCODE = 'RV000';
    END IF;
    IF (one ->> 'n')::int < total AND facts.method = 'hnsw' THEN
      IF cardinality(found) < 3 THEN
        answer := jsonb_build_object('why', format('%s rows take %s ms to build: there is no time '
          'for more (recall_trial_ms)', n, round(built_ms)));
        RAISE EXCEPTION USING ERRCODE = 'RV000';
      END IF;
      SELECT least(0, ((one ->> 'recall')::float8 - (f.kept ->> 'recall')::float8)
               / ln((one ->> 'n')::float8 / (f.kept ->> 'n')::float8)),
             sqrt(coalesce((one ->> 'recall_error')::float8, 0) ^ 2
               + coalesce((f.kept ->> 'recall_error')::float8, 0) ^ 2)
               / ln((one ->> 'n')::float8 / (f.kept ->> 'n')::float8),
             greatest(0, ((one ->> 'search_blocks')::float8 - (f.kept ->> 'search_blocks')::float8)
               / ln((one ->> 'n')::float8 / (f.kept ->> 'n')::float8))
        INTO slope, slope_error, dearer
        FROM (SELECT found[cardinality(found) - 1] AS kept) f;
    END IF;
    answer := jsonb_build_object(
      'sampled', (one ->> 'n')::int, 'rows', total, 'probes', (one ->> 'probes')::int,
      'k', (one ->> 'k')::int, 'iterative', one -> 'iterative', 'build_ms', one -> 'build_ms',
      'recall', greatest(0, (one ->> 'recall')::float8
        + slope * ln(greatest(1, total / (one ->> 'n')::float8))),
      'recall_error', sqrt(coalesce((one ->> 'recall_error')::float8, 0) ^ 2
        + (slope_error * ln(greatest(1, total / (one ->> 'n')::float8))) ^ 2),
      -- As many lists that are longer; the rows that are returned do not grow, so it is too much:
      -- 258 by 20,000 of 60,000 rows, where an index as it was built read 216.
      'blocks', CASE facts.method WHEN 'hnsw' THEN (one ->> 'search_blocks')::float8
          + dearer * ln(greatest(1, total / (one ->> 'n')::float8))
        ELSE (one ->> 'search_blocks')::float8 * greatest(1, total / (one ->> 'n')::float8) END,
      'since_made', CASE facts.method WHEN 'hnsw'
        THEN ruvector.healing_rows_since_built(index_oid, (wanted ->> 'seed')::int, pages, total)
          -> 'since_made' END,
      'xid', snapshot, 'at', extract(epoch FROM clock_timestamp()));
    RAISE EXCEPTION USING ERRCODE = 'RV000';
  EXCEPTION WHEN SQLSTATE 'RV000' THEN
    NULL;
  END;
  RETURN answer;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_trial_index(oid, jsonb)
  IS 'Recall that a fresh build of a vector index attains, tried on a sample of its rows; changes '
  'nothing.';
