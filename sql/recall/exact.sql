-- What searches by an index are compared with. All searches at once: one reading of the table with
-- 20 of them takes an eighth of 20 readings (30,000 rows of 128 dimensions: 103 ms, not 800), since
-- to come to a row costs more than a distance. Called by healing_measure_index, whose planner
-- settings they work under. vectors and places are the rows searched for, which are left out.

-- The key of an index, fetched at once. A vector of 6 kB lies elsewhere, and each distance would
-- fetch it again: 8,000 rows of 1,536 dimensions and 20 searches took 480 ms, with this 154. It is
-- the cast of the type to itself that fetches it, which an INSERT goes through; a type that has
-- none is left as it is.
CREATE OR REPLACE FUNCTION ruvector.healing_fetched_key(index_oid oid)
RETURNS text
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_indexscan = on
AS $function$
BEGIN
  RETURN (
  SELECT coalesce((SELECT format('%I.%I(%s, -1, false)', n.nspname, p.proname, f.key)
        FROM pg_cast c JOIN pg_proc p ON p.oid = c.castfunc AND p.pronargs = 3
          JOIN pg_namespace n ON n.oid = p.pronamespace
       WHERE c.castsource = a.atttypid AND c.casttarget = a.atttypid), f.key)
    FROM ruvector.healing_index_key(index_oid) f
    JOIN pg_attribute a ON a.attrelid = index_oid AND a.attnum = 1);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_fetched_key(oid)
  IS 'Key of a vector index, fetched once whatever it is compared with.';

-- The rows of an index, as an item of FROM: place, and the key as v, made once for all searches.
CREATE OR REPLACE FUNCTION ruvector.healing_flat_source(index_oid oid, sample text)
RETURNS text
LANGUAGE sql STABLE
AS $function$
  SELECT format('(SELECT ctid AS place, %s AS v FROM ONLY %s %s WHERE %s OFFSET 0) rows_of',
      ruvector.healing_fetched_key(index_oid), f.heap, sample,
      ruvector.healing_with_key(f.predicate, f.key))
    FROM ruvector.healing_index_key(index_oid) f;
$function$;
COMMENT ON FUNCTION ruvector.healing_flat_source(oid, text)
  IS 'Rows of a vector index with their key, fetched once whatever it is compared with.';

-- What part of so many rows is compared with. Vectors of 2 kB and less count as rows do, wider ones
-- by their bytes: a measurement by 48,000 of 6 kB, for which there is a second, took 1.5 to 1.7 s
-- with its first ten searches, by a third of them 1.05 to 1.3 s with 10 to 14 (two cores, load 10).
-- By their width and not by the clock: an index that is measured now by all rows and now by a part
-- would be held against another figure.
CREATE OR REPLACE FUNCTION ruvector.healing_compared_share(rows double precision,
  bytes double precision, max_rows double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE
AS $function$
  SELECT least(1, max_rows / greatest(1, rows) * 2000 / greatest(2000, coalesce(bytes, 0)));
$function$;
COMMENT ON FUNCTION ruvector.healing_compared_share(double precision, double precision,
  double precision)
  IS 'Share of rows of so many bytes that searches are compared with, where max_rows are the most.';

-- How far the k-th nearest row of each is, and how many rows that is of (others): the last one
-- where there are fewer, NULL where there is none. farthest: how far the k-th row that the index
-- found is, so that only nearer ones need be kept; NULL where it found fewer: that one is searched
-- for by itself.
CREATE OR REPLACE FUNCTION ruvector.healing_kth(index_oid oid, vectors text[], places tid[],
  farthest double precision[], k integer, OUT kth double precision[], OUT others integer[])
LANGUAGE plpgsql
AS $function$
DECLARE
  facts record;
  distances text[];
  source text;
  together integer[];
  exact float8[];
  last float8;
  rows integer;
BEGIN
  kth := farthest;
  others := array_fill(k, ARRAY[cardinality(vectors)]);
  SELECT * INTO facts FROM ruvector.healing_index_key(index_oid);
  -- Never in a format themselves: keys may have a percent sign, the operator <%> has one.
  distances := ARRAY(SELECT format('(v %s CAST(($1)[%s] AS %s))::float8', facts.operator, i,
    facts.key_type) FROM generate_subscripts(vectors, 1) i ORDER BY i);
  source := ruvector.healing_flat_source(index_oid, '');
  SELECT array_agg(i ORDER BY i) INTO together
    FROM generate_subscripts(vectors, 1) i WHERE farthest[i] IS NOT NULL;
  IF together IS NOT NULL THEN
    EXECUTE (SELECT format('SELECT ARRAY[%s] FROM (SELECT %s FROM %s) s',
      -- In the select list, where they are not written down once more.
      string_agg(format('coalesce((SELECT d FROM (SELECT unnest(a%1$s) AS d) u ORDER BY d '
        'OFFSET $4 - 1 LIMIT 1), ($3)[%1$s])', i), ', ' ORDER BY i),
      string_agg(format('array_agg(%2$s) FILTER (WHERE %2$s < ($3)[%1$s] AND place <> ($2)[%1$s]) '
        'AS a%1$s', i, distances[i]), ', ' ORDER BY i),
      source) FROM unnest(together) i)
      INTO exact USING vectors, places, farthest, k;
    FOR i IN 1 .. cardinality(together) LOOP
      kth[together[i]] := exact[i];
    END LOOP;
  END IF;
  FOR i IN 1 .. cardinality(vectors) LOOP
    IF farthest[i] IS NULL THEN
      -- NaN (zeros, by cosine) comes last, and is in no index.
      EXECUTE format('SELECT max(d), count(*) FROM (SELECT %s AS d FROM %s '
        'WHERE place <> ($2)[%s] ORDER BY 1 LIMIT $3) n WHERE d <> ''NaN''', distances[i], source,
          i)
        INTO last, rows USING vectors, places, k;
      kth[i] := last;
      others[i] := rows;
    END IF;
  END LOOP;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_kth(oid, text[], tid[], double precision[], integer)
  IS 'Distance of the k-th nearest row of each vector by reading the whole table once.';

-- Rows that are nearer than farthest to each and were not found, among a sample of the blocks of a
-- large table. not_missed: the places to leave out, a row of the array each.
CREATE OR REPLACE FUNCTION ruvector.healing_nearer(index_oid oid, vectors text[], not_missed tid[],
  farthest double precision[], share double precision, seed integer)
RETURNS bigint[]
LANGUAGE plpgsql
AS $function$
DECLARE
  facts record;
  counts bigint[];
BEGIN
  SELECT * INTO facts FROM ruvector.healing_index_key(index_oid);
  EXECUTE (SELECT format('SELECT ARRAY[%s] FROM %s',
    string_agg(format('count(*) FILTER (WHERE (v %1$s CAST(($1)[%2$s] AS %3$s))::float8 '
      '< ($3)[%2$s] AND place <> ALL (($2)[%2$s:%2$s]))',
      facts.operator, i, facts.key_type), ', ' ORDER BY i),
    ruvector.healing_flat_source(index_oid, format('TABLESAMPLE SYSTEM (%s) REPEATABLE (%s)',
      (share * 100)::numeric, seed)))
    FROM generate_subscripts(vectors, 1) i)
    INTO counts USING vectors, not_missed, farthest;
  RETURN counts;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_nearer(oid, text[], tid[], double precision[],
  double precision, integer)
  IS 'Rows nearer to each vector than the farthest found, which were not found, in sampled blocks.';
