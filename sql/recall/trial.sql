-- What a fresh build of an index attains: the same method, operator class and options on a sample
-- of its rows, in a temporary table that is rolled back with everything else. wanted: {k, samples,
-- probes, seed, rows, budget_ms, sample_rows}, and options, which stand over the index's own.
--
-- budget_ms is for all of it, and a CREATE INDEX cannot be told when to end: so it goes in steps,
-- each of which says how far the next may go. What a build of n rows takes grows with their number
-- to the power of 1.6 (100, 400 and 1,600 rows of 1,536 dimensions: 0.05, 0.5 and 4.3 s) or 1.3 (of
-- 128: 0.03, 0.2 and 1.3 s), from the second step on as it was seen to, if that is more. A sample
-- that holds all rows says what is due. Of an hnsw index on more rows it says too much: recall
-- falls with the logarithm of the rows. So an earlier step, of a fourth of the rows or so, is the
-- other end of a line that goes on to all rows. Of an ivfflat index with the same lists it says too
-- little where vectors lie in clusters (the fewer rows, the further away the k-th of them is), and
-- too much where they do not: few rows fit many lists by chance (noise in 200 lists: 0.14 of 1,000
-- rows, 0.1 of 3,000, 0.07 of 10,000), so that it has such a line as well. A graph of which a
-- search sees the half is no such end, nor are lists of less than 5 rows (500 rows of that: 0.12).
-- What pgvector says of the trial's own table ("Drop the index until the table has more data") is
-- no advice to anybody.
CREATE OR REPLACE FUNCTION ruvector.healing_trial_index(index_oid oid, wanted jsonb)
RETURNS jsonb
LANGUAGE plpgsql
SET client_min_messages = error
AS $function$
DECLARE
  facts record;
  total float8 := (wanted ->> 'rows')::float8;
  pages float8;
  most integer := (wanted ->> 'sample_rows')::int;
  budget float8 := (wanted ->> 'budget_ms')::float8;
  began constant timestamptz := clock_timestamp();
  built_ms float8;
  grown_ms float8;
  before integer;
  is_last boolean := false;
  exponent float8;
  reach float8;
  bytes float8;
  places tid[];
  filled integer := 0;
  held integer;
  kept_as text;
  rows integer;
  n integer;
  least_base integer;
  line boolean;
  found jsonb[] := '{}';
  filled_lists jsonb;
  one jsonb;
  base jsonb;
  options text;
  slope float8 := 0;
  slope_error float8 := 0;
  dearer float8 := 0;
  answer jsonb;
  snapshot constant text := pg_snapshot_xmax(pg_current_snapshot())::text;
BEGIN
  SELECT * INTO facts FROM ruvector.healing_index_key(index_oid);
  IF facts.index IS NULL THEN
    RETURN jsonb_build_object('why', 'the index is gone');
  END IF;
  EXECUTE format('LOCK TABLE ONLY %s IN ACCESS SHARE MODE NOWAIT', facts.heap);
  SELECT pg_relation_size(i.indrelid) / current_setting('block_size')::float8 INTO pages
    FROM pg_index i WHERE i.indexrelid = index_oid;
  least_base := CASE facts.method WHEN 'hnsw' THEN greatest(160, 2 * (wanted ->> 'probes')::int)
    ELSE 5 * coalesce((wanted #>> '{options,lists}')::int, facts.lists) END;
  line := 1.5 * least_base <= most OR facts.method = 'hnsw';
  options := (SELECT string_agg(format('%I = %L', o.name, o.value), ', ' ORDER BY o.name)
    FROM (SELECT DISTINCT ON (name) name, value FROM (
      SELECT key AS name, value, 1 AS place FROM jsonb_each_text(wanted -> 'options')
      UNION ALL SELECT option_name, option_value, 2 FROM pg_class c
        CROSS JOIN LATERAL pg_options_to_table(c.reloptions) WHERE c.oid = index_oid) u
      ORDER BY name, place) o);
  SELECT CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'm' THEN 'MAIN' WHEN 'x' THEN 'EXTENDED'
      ELSE 'EXTERNAL' END INTO kept_as
    FROM pg_attribute a WHERE a.attrelid = index_oid AND a.attnum = 1;
  BEGIN
    places := ruvector.healing_sample_rows(index_oid, most, (wanted ->> 'seed')::int, pages, total);
    rows := cardinality(places);
    IF rows < 2 THEN
      answer := jsonb_build_object('why', 'it has too few rows');
      RAISE EXCEPTION USING ERRCODE = 'RV000';
    END IF;
    EXECUTE format('SELECT avg(pg_column_size(%s)) FROM ONLY %s WHERE ctid = ANY ($1)', facts.key,
      facts.heap) INTO bytes USING places[1:50];
    -- What does not fit into maintenance_work_mem is built many times as slowly: beside its vector
    -- a row has some 500 bytes there (hnsw, m 16).
    held := (pg_size_bytes(current_setting('maintenance_work_mem')) / 2 / (bytes + 500))::int;
    rows := least(rows, greatest(100, held));
    n := least(rows, CASE WHEN bytes > 2000 THEN 100 ELSE 400 END);
    exponent := CASE WHEN facts.method = 'ivfflat' THEN 1.1 WHEN bytes > 2000 THEN 1.6 ELSE 1.3 END;
    -- In its row, where it fits into a page: to fetch one of 6 kB from elsewhere takes as long as
    -- six distances.
    EXECUTE format('CREATE TEMPORARY TABLE ruvector_trial (e %s)', facts.key_type);
    LOOP
      ALTER TABLE pg_temp.ruvector_trial ALTER COLUMN e SET STORAGE MAIN;
      EXECUTE format('INSERT INTO pg_temp.ruvector_trial SELECT %s FROM ONLY %s '
        'WHERE ctid = ANY ($1)', facts.key, facts.heap) USING places[filled + 1 : n];
      filled := n;
      -- As in the index itself: by MAIN its entries would be compressed, and vectors of equal
      -- figures be cheap to search (18 blocks where as fresh a one reads 126).
      EXECUTE format('ALTER TABLE pg_temp.ruvector_trial ALTER COLUMN e SET STORAGE %s', kept_as);
      built_ms := extract(epoch FROM clock_timestamp()) * 1000;
      EXECUTE (SELECT format('CREATE INDEX ruvector_trial_e ON pg_temp.ruvector_trial USING %I '
        '(e %I.%I)%s', facts.method, kn.nspname, k.opcname, ' WITH (' || options || ')')
        FROM pg_index i JOIN pg_opclass k ON k.oid = i.indclass[0]
          JOIN pg_namespace kn ON kn.oid = k.opcnamespace WHERE i.indexrelid = index_oid);
      built_ms := extract(epoch FROM clock_timestamp()) * 1000 - built_ms;
      IF grown_ms IS NOT NULL THEN
        exponent := greatest(exponent, least(1.7, ln(greatest(1, built_ms) / grown_ms)
          / ln(n::float8 / before)));
      END IF;
      grown_ms := greatest(1, built_ms);
      -- Half of what is left is for the build, as no two take the same; searches end with the time.
      reach := least(rows, floor(n * (greatest(0, 0.5 * (budget - extract(epoch
        FROM clock_timestamp() - began) * 1000)) / grown_ms) ^ (1 / exponent)));
      is_last := is_last OR n >= rows OR reach < least(rows, 1.5 * n)
        OR line AND reach < least(total, 1.5 * least_base);
      -- Searches take as long as to build some hundreds of rows: none where nothing is told by it.
      IF is_last OR line AND n >= least_base THEN
        one := ruvector.healing_measure_index('pg_temp.ruvector_trial_e'::regclass, wanted
          || jsonb_build_object('max_rows', 1000000000, 'exact_count_pages', 1000000000,
            'occupancy', false, 'cost', false, 'exact', true, 'budget_ms', greatest(1,
              (budget - extract(epoch FROM clock_timestamp() - began) * 1000)
                / CASE WHEN is_last THEN 1 ELSE 4 END)));
        -- One search that found seven of ten has no error by itself, and had 0.7 be due of 0.08: no
        -- error is smaller than one search more that finds nothing would make it.
        found := found || (one || jsonb_build_object('n', n, 'build_ms', built_ms, 'recall_error',
          greatest((one ->> 'recall_error')::float8, 1 / ((one ->> 'samples')::float8 + 2))));
      END IF;
      EXIT WHEN is_last;
      DROP INDEX pg_temp.ruvector_trial_e;
      before := n;
      IF line AND reach < total AND n < least_base THEN
        n := greatest(least_base, reach / 4)::int;
      ELSE
        is_last := reach <= 8 * n;
        n := CASE WHEN is_last THEN reach ELSE least(reach / 4, 8 * n) END::int;
      END IF;
    END LOOP;
    one := found[cardinality(found)];
    IF one ->> 'recall' IS NULL THEN
      answer := jsonb_build_object('why', coalesce(one ->> 'why', 'nothing was found'));
      RAISE EXCEPTION USING ERRCODE = 'RV000';
    ELSIF (one ->> 'samples')::int < least(10, n) THEN
      answer := jsonb_build_object('why', format('%s rows take %s ms to build, which leaves no '
        'time to search for more than %s (recall_trial_ms)', n, round(built_ms),
        one ->> 'samples'));
      RAISE EXCEPTION USING ERRCODE = 'RV000';
    END IF;
    IF (one ->> 'n')::int < total AND line THEN
      base := (SELECT f FROM unnest(found) f WHERE (f ->> 'n')::int >= least_base
        AND (f ->> 'n')::int <= (one ->> 'n')::int / 1.5 ORDER BY (f ->> 'n')::int DESC LIMIT 1);
      IF base IS NULL AND rows < cardinality(places) AND coalesce(reach >= rows, true) THEN
        answer := jsonb_build_object('why', format('maintenance_work_mem is %s: of an index of '
          'these vectors that holds %s rows, which is too few to tell by',
          current_setting('maintenance_work_mem'), held),
          'memory', 2 * (bytes + 500) * least(most, total));
        RAISE EXCEPTION USING ERRCODE = 'RV000';
      ELSIF base IS NULL THEN
        answer := jsonb_build_object('why', format('%s rows take %s ms to build: there is no time '
          'for more (recall_trial_ms)', n, round(built_ms)));
        RAISE EXCEPTION USING ERRCODE = 'RV000';
      END IF;
      SELECT least(0, ((one ->> 'recall')::float8 - (base ->> 'recall')::float8) / l.further),
             sqrt((one ->> 'recall_error')::float8 ^ 2 + (base ->> 'recall_error')::float8 ^ 2)
               / l.further,
             greatest(0, ((one ->> 'search_blocks')::float8 - (base ->> 'search_blocks')::float8)
               / l.further)
        INTO slope, slope_error, dearer
        FROM (SELECT ln((one ->> 'n')::float8 / (base ->> 'n')::float8)) l(further);
      -- What rises with the rows says too little already.
      slope_error := CASE WHEN slope < 0 OR facts.method = 'hnsw' THEN slope_error ELSE 0 END;
    END IF;
    -- How full the fullest list of a fresh build is: data that lies in clusters fills some lists
    -- many times as much as the mean. In the time that is left.
    IF facts.method = 'ivfflat' AND (line OR (one ->> 'n')::int >= total)
      AND budget > extract(epoch FROM clock_timestamp() - began) * 1000 THEN
      filled_lists := ruvector.healing_measure_index('pg_temp.ruvector_trial_e'::regclass, wanted
        || jsonb_build_object('max_rows', 1000000000, 'exact_count_pages', 1000000000,
          'occupancy', true, 'cost', false, 'exact', false, 'samples', 1, 'budget_ms',
          greatest(1, budget - extract(epoch FROM clock_timestamp() - began) * 1000))) -> 'lists';
    END IF;
    answer := jsonb_build_object(
      'lists', filled_lists,
      'sampled', (one ->> 'n')::int, 'rows', total, 'probes', (one ->> 'probes')::int,
      'k', (one ->> 'k')::int, 'iterative', one -> 'iterative', 'build_ms', one -> 'build_ms',
      -- 0: of lists that so few rows do not fill nothing is known.
      'recall', CASE WHEN line OR (one ->> 'n')::int >= total THEN greatest(0,
        (one ->> 'recall')::float8 + slope * ln(greatest(1, total / (one ->> 'n')::float8)))
        ELSE 0 END,
      'recall_error', sqrt((one ->> 'recall_error')::float8 ^ 2
        + (slope_error * ln(greatest(1, total / (one ->> 'n')::float8))) ^ 2),
      -- As many lists that are longer; the rows that are returned do not grow, so it is too much:
      -- 258 by 20,000 of 60,000 rows, where an index as it was built read 216.
      'blocks', CASE facts.method WHEN 'hnsw' THEN (one ->> 'search_blocks')::float8
          + dearer * ln(greatest(1, total / (one ->> 'n')::float8))
        ELSE (one ->> 'search_blocks')::float8 * greatest(1, total / (one ->> 'n')::float8) END,
      'blocks_error', greatest((one ->> 'search_blocks_error')::float8,
          (one ->> 'search_blocks')::float8 / ((one ->> 'samples')::float8 + 2))
        * CASE facts.method WHEN 'hnsw' THEN 1
            ELSE greatest(1, total / (one ->> 'n')::float8) END,
      'since_made', ruvector.healing_rows_since_built(index_oid, (wanted ->> 'seed')::int, pages,
        total) -> 'since_made',
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
