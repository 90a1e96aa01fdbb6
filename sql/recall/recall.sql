CREATE OR REPLACE FUNCTION public.ruvector_healing_recall(
  collection text DEFAULT NULL, -- required
  k integer DEFAULT 10,
  samples integer DEFAULT 20
)
RETURNS TABLE (
  index text,
  method text,
  lists integer,
  probes integer,
  k_ integer,
  samples_ integer,
  recall double precision,
  index_ms double precision,
  exact_ms double precision,
  rows double precision,
  share double precision,
  note text
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
SET row_security = off
SET extra_float_digits = 1
AS $function$
DECLARE
  id integer := ruvector.healing_collection(collection);
  settings jsonb := ruvector.healing_settings(id);
  wanted jsonb;
  one record;
  answer jsonb;
  barred jsonb;
  whole oid;
  session_before constant text := ruvector.healing_session_state();
BEGIN
  IF k IS NULL OR k NOT BETWEEN 1 AND 1000 THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = 'k must be a whole number, 1 to 1000',
      DETAIL = format('Got %s.', coalesce(k::text, 'NULL')), HINT = 'Leave it out for 10.';
  END IF;
  IF samples IS NULL OR samples NOT BETWEEN 1 AND 10000 THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001', MESSAGE = 'samples must be a whole number, 1 to 10000',
      DETAIL = format('Got %s.', coalesce(samples::text, 'NULL')), HINT = 'Leave it out for 20.';
  END IF;
  -- A person who asks gets all the searches asked for: the loop's time limit is not theirs.
  wanted := jsonb_build_object('k', k, 'samples', samples, 'probes', settings -> 'recall_probes',
    'seed', id, 'budget_ms', 3600000, 'max_rows', settings -> 'recall_max_rows',
    'exact_count_pages', settings -> 'exact_count_pages', 'occupancy', false);
  whole := (SELECT r.oid
    FROM ruvector.collections c
    JOIN pg_class r
      ON r.oid = coalesce((SELECT t.oid FROM pg_class t JOIN pg_namespace n
        ON n.oid = t.relnamespace WHERE n.nspname = c.schema_name AND t.relname = c.table_name),
        c.relid)
   WHERE c.collection_id = id);
  -- Once, under the lock of the whole table, as in the loop; before anything is asked of an index,
  -- which would wait for whoever has the table to itself.
  barred := ruvector.healing_run(format('LOCK TABLE %s IN %s MODE NOWAIT', whole::regclass,
    ruvector.healing_reading_lock(whole)), '[]', false);
  IF barred #>> '{error,sqlstate}' = '55P03' THEN
    RETURN QUERY
      WITH RECURSIVE family(relid) AS (
        SELECT whole
        UNION SELECT h.inhrelid FROM family JOIN pg_inherits h ON h.inhparent = family.relid
      )
      SELECT format('%I.%I', n.nspname, x.relname), m.amname::text, NULL::int, NULL::int, k, 0,
             NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8,
             ruvector.healing_why_not(barred -> 'error')
        FROM family JOIN pg_index i ON i.indrelid = family.relid AND i.indisvalid
        JOIN pg_class x ON x.oid = i.indexrelid AND x.relkind = 'i'
        JOIN pg_namespace n ON n.oid = x.relnamespace
        JOIN pg_am m ON m.oid = x.relam AND m.amname IN ('hnsw', 'ivfflat') ORDER BY 1;
    RETURN;
  END IF;
  barred := coalesce((SELECT jsonb_build_object('error', jsonb_build_object('sqlstate', 'RV034',
      'message', format('code of a role that is not trusted would run: %s. %s', u.what, u.hint)))
      FROM ruvector.healing_untrusted(whole) u WHERE u.usage = 'read' LIMIT 1), barred);
  FOR one IN
    WITH RECURSIVE family(relid) AS (
      SELECT whole
      UNION SELECT h.inhrelid FROM family JOIN pg_inherits h ON h.inhparent = family.relid
    )
    SELECT i.indexrelid, v.*
      FROM family JOIN pg_index i ON i.indrelid = family.relid AND i.indisvalid
      JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'
     CROSS JOIN LATERAL ruvector.healing_vector_index(i.indexrelid) v ORDER BY v.index
  LOOP
    answer := CASE WHEN jsonb_exists(barred, 'error') THEN barred
      ELSE ruvector.healing_read_as_owner(whole,
        'SELECT ruvector.healing_measure_index(($1)[1]::oid, ($1)[2]::jsonb) AS answer',
        jsonb_build_array(one.indexrelid::text, wanted::text)::text, true)::jsonb END;
    IF answer #>> '{error,sqlstate}' IN ('42501', '55P03', 'RV034', '53400') THEN
      answer := jsonb_build_object('why', ruvector.healing_why_not(answer -> 'error'));
    ELSIF jsonb_exists(answer, 'error') THEN
      RAISE EXCEPTION USING ERRCODE = answer #>> '{error,sqlstate}',
        MESSAGE = answer #>> '{error,message}',
        DETAIL = coalesce(answer #>> '{error,detail}', ''),
          HINT = coalesce(answer #>> '{error,hint}', '');
    ELSE
      answer := answer #> '{rows,0,answer}';
    END IF;
    index := one.index;
    method := one.method;
    lists := one.lists;
    probes := coalesce((answer ->> 'probes')::int, nullif((wanted ->> 'probes')::int, 0),
      one.configured);
    k_ := k;
    samples_ := coalesce((answer ->> 'samples')::int, 0);
    recall := (answer ->> 'recall')::float8;
    index_ms := (answer ->> 'index_ms')::float8;
    exact_ms := (answer ->> 'exact_ms')::float8;
    rows := (answer ->> 'rows')::float8;
    share := (answer ->> 'share')::float8;
    note := answer ->> 'why';
    RETURN NEXT;
  END LOOP;
  -- Searches with filters, by each key and distance that an index orders by.
  FOR one IN
    WITH RECURSIVE family(relid) AS (
      SELECT whole
      UNION SELECT h.inhrelid FROM family JOIN pg_inherits h ON h.inhparent = family.relid
    )
    SELECT s.search, s.place, b.indexrelid, v.*
      FROM ruvector.collections c
     CROSS JOIN LATERAL jsonb_array_elements(coalesce(c.options -> 'searches', '[]'))
       WITH ORDINALITY s(search, place)
     CROSS JOIN (SELECT min(i.indexrelid) AS indexrelid
        FROM family JOIN pg_index i ON i.indrelid = family.relid AND i.indisvalid
        JOIN pg_class k ON k.oid = i.indexrelid AND k.relkind = 'i'
       CROSS JOIN LATERAL ruvector.healing_vector_index(i.indexrelid) w
       GROUP BY w.key, w.operator) b
     CROSS JOIN LATERAL ruvector.healing_vector_index(b.indexrelid) v
     WHERE c.collection_id = id ORDER BY s.place, v.index
  LOOP
    method := one.method;
    lists := one.lists;
    k_ := (one.search ->> 'k')::int;
    BEGIN
      answer := CASE WHEN jsonb_exists(barred, 'error') THEN barred
        ELSE ruvector.healing_read_as_owner(whole, 'SELECT '
          'ruvector.healing_measure_search(($1)[1]::oid, ($1)[2]::oid, ($1)[3]::jsonb) AS answer',
          jsonb_build_array(one.indexrelid::text, whole::text, (wanted || jsonb_build_object(
            'k', k_, 'predicate', ruvector.healing_search_where(whole, one.search -> 'where'),
            'settings', CASE WHEN (wanted ->> 'probes')::int > 0 THEN
              jsonb_build_object(one.setting, wanted ->> 'probes') ELSE '{}' END))::text)::text,
          true)::jsonb END;
      answer := coalesce(answer #> '{rows,0,answer}',
        jsonb_build_object('why', ruvector.healing_why_not(answer -> 'error')));
    EXCEPTION WHEN SQLSTATE 'RV001' OR SQLSTATE 'RV034' THEN
      -- A column that is not what it was, or an operator that is somebody's code.
      answer := jsonb_build_object('why', SQLERRM);
    END;
    index := coalesce(answer #>> '{indexes,0}', answer ->> 'takes', one.index);
    probes := (answer #>> ARRAY['settings', one.setting])::int;
    samples_ := coalesce((answer ->> 'samples')::int, 0);
    recall := (answer ->> 'recall')::float8;
    index_ms := (answer ->> 'ms')::float8;
    exact_ms := NULL;
    rows := (answer ->> 'matches')::float8;
    share := (answer ->> 'share')::float8;
    note := format('where %s: %s', left(one.search ->> 'where', 300), coalesce(answer ->> 'why',
      CASE WHEN samples_ = 0 THEN CASE WHEN share < 1
          THEN 'no row of those that were looked at matches (recall_max_rows)'
          ELSE 'no row matches' END
        ELSE format('%s of %s rows returned; ', round((answer ->> 'returned')::numeric, 1),
          round((answer ->> 'asked')::numeric, 1))
          || CASE WHEN answer -> 'indexes' = '[]' THEN 'the planner reads all rows that match'
            ELSE (SELECT string_agg(format('%s %s', u.key, u.value), ', ' ORDER BY u.key)
              FROM jsonb_each_text(answer -> 'settings') u
              WHERE u.key LIKE one.method || '.%') END END));
    RETURN NEXT;
  END LOOP;
  IF ruvector.healing_session_state() <> session_before THEN
    RAISE EXCEPTION USING ERRCODE = 'RV033',
      MESSAGE = 'code that runs with a table''s rows changed the session it ran in',
      DETAIL = 'It set parameters, or made cursors, prepared statements, advisory locks or '
        'temporary objects. Prepared statements and advisory locks of a session stay.',
      HINT = 'Look at the functions in the table''s constraints, indexes, generated columns, rules '
        'and triggers. DISCARD ALL; cleans this session.';
  END IF;
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_recall(text, integer, integer)
  IS 'Recall@k of each vector index of a collection against exact search, and what searches with '
  'the filters that were named get, measured now: SELECT * FROM '
  'ruvector_healing_recall(''embeddings'', 10, 20);';
