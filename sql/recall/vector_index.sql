-- What is needed to search by one vector index: its table, its key as an expression, the operator
-- that it orders by. PL/pgSQL keeps its plan: within the statements that ask it was planned a
-- hundred times in a measurement with its trial, a quarter of their time. Whoever compares exactly
-- has index scans off, which are for the catalogues here.
CREATE OR REPLACE FUNCTION ruvector.healing_index_key(index_oid oid)
RETURNS TABLE (
  index text, index_name text, method text, heap text, key text, key_type text, operator text,
    predicate text, lists integer,
  setting text
)
LANGUAGE plpgsql STABLE ROWS 1
SET plan_cache_mode = force_generic_plan
SET enable_indexscan = on
AS $function$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT format('%I.%I', n.nspname, c.relname), c.relname::text, m.amname::text,
    format('%I.%I', hn.nspname, h.relname),
         format('(%s)', pg_get_indexdef(i.indexrelid, 1, false)),
           format_type(a.atttypid, a.atttypmod),
         (SELECT format('OPERATOR(%I.%s)', opn.nspname, o.oprname)
            FROM pg_amop s JOIN pg_operator o ON o.oid = s.amopopr
              JOIN pg_namespace opn ON opn.oid = o.oprnamespace
           WHERE s.amopfamily = k.opcfamily AND s.amoplefttype = k.opcintype AND s.amoppurpose = 'o'
             AND s.amopstrategy = 1),
         coalesce(pg_get_expr(i.indpred, i.indrelid), 'true'),
         CASE WHEN m.amname = 'ivfflat' THEN
           coalesce((SELECT option_value::int FROM pg_options_to_table(c.reloptions)
             WHERE option_name = 'lists'), 100) END,
         CASE m.amname WHEN 'ivfflat' THEN 'ivfflat.probes' ELSE 'hnsw.ef_search' END
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_am m ON m.oid = c.relam
    JOIN pg_class h ON h.oid = i.indrelid
    JOIN pg_namespace hn ON hn.oid = h.relnamespace
    JOIN pg_attribute a ON a.attrelid = i.indexrelid AND a.attnum = 1
    JOIN pg_opclass k ON k.oid = i.indclass[0]
   WHERE i.indexrelid = index_oid AND m.amname IN ('ivfflat', 'hnsw');
END
$function$;
COMMENT ON FUNCTION ruvector.healing_index_key(oid)
  IS 'How to search by one vector index.';

-- With the probes (ef_search) that a new session of the table's owner has.
CREATE OR REPLACE FUNCTION ruvector.healing_vector_index(index_oid oid)
RETURNS TABLE (
  index text, index_name text, method text, heap text, key text, key_type text, operator text,
    predicate text, lists integer,
  setting text, configured integer
)
LANGUAGE plpgsql STABLE ROWS 1
SET plan_cache_mode = force_generic_plan
SET enable_indexscan = on
AS $function$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT f.*,
         -- As a new session of the table's owner would have it: role in database, role, database,
         -- all, configuration file.
         coalesce(
           -- Set where pgvector was not loaded, it may be any text: a new session then has none of
           -- the levels below it either, but pgvector's own.
           (SELECT CASE WHEN o.value ~ '^[0-9]{1,5}$'
                THEN CASE WHEN o.value::int BETWEEN 1 AND p.most THEN o.value::int ELSE p.usual END
                ELSE p.usual END
              FROM pg_db_role_setting d CROSS JOIN LATERAL unnest(d.setconfig) mine
             CROSS JOIN LATERAL (SELECT split_part(mine, '=', 2) AS value) o
             WHERE d.setdatabase IN (0, (SELECT oid FROM pg_database
               WHERE datname = current_database()))
               AND d.setrole IN (0, h.relowner) AND split_part(mine, '=', 1) = f.setting
             ORDER BY d.setrole = 0, d.setdatabase = 0 LIMIT 1),
           -- What the role of this session has of its own is no other role's; and what it had when
           -- the session began is nobody's any more, where it was taken back since.
           (SELECT CASE WHEN s.source IN ('global', 'database', 'user', 'database user') OR EXISTS (
                     SELECT FROM pg_db_role_setting d CROSS JOIN LATERAL unnest(d.setconfig) mine
                       JOIN pg_roles r ON r.oid = d.setrole AND r.rolname = session_user
                      WHERE d.setdatabase IN (0, (SELECT oid FROM pg_database
                        WHERE datname = current_database()))
                        AND split_part(mine, '=', 1) = f.setting)
                   THEN s.boot_val ELSE s.reset_val END::int
              FROM ruvector.healing_parameters() s WHERE s.name = f.setting),
           p.usual)
    FROM ruvector.healing_index_key(index_oid) f
    JOIN pg_index i ON i.indexrelid = index_oid
    JOIN pg_class h ON h.oid = i.indrelid
    JOIN (VALUES ('ivfflat', 1, 32768), ('hnsw', 40, 1000)) p(method, usual, most)
      ON p.method = f.method;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_vector_index(oid)
  IS 'How to search by one vector index, and the probes (ef_search) a new session of its '
  'table''s owner has.';

-- A condition: rows of an index (or that match a filter) which have its key. The key of other rows
-- is never asked for, and may raise: one column has vectors of several models, each with an index
-- on its own cast, and PostgreSQL asks for what is cheap first (a cast before meta ->> 'model').
CREATE OR REPLACE FUNCTION ruvector.healing_with_key(predicate text, key text)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $function$
  SELECT format(CASE predicate WHEN 'true' THEN '%2$s IS NOT NULL'
    ELSE '(%1$s) AND CASE WHEN %1$s THEN %2$s IS NOT NULL END' END, predicate, key);
$function$;
COMMENT ON FUNCTION ruvector.healing_with_key(text, text)
  IS 'A condition: rows that match a predicate and have the key of an index.';

-- A condition on v: by cosine a vector of zeros is as near to one row as to another (NaN), and in
-- no index. Whatever a search for it returns counts as found: of 3,000 rows, half of them zeros,
-- ivfflat with one probe read 0.86, and finds 0.71 of those that are somewhere.
CREATE OR REPLACE FUNCTION ruvector.healing_with_direction(operator text)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $function$
  SELECT CASE WHEN operator LIKE '%.<=>)'
    THEN format('WHERE (v %s v)::float8 <> ''NaN''', operator) ELSE '' END;
$function$;
COMMENT ON FUNCTION ruvector.healing_with_direction(text)
  IS 'A condition: vectors that are somewhere by the distance of an operator, as v.';

-- Rows of a table for sampling: the same ones for the same seed while the table does not change. Of
-- tables above 1,000 pages blocks are sampled, enough for four times as many rows as wanted, and no
-- fewer blocks than rows: rows of a block arrived together.
CREATE OR REPLACE FUNCTION ruvector.healing_sample_rows(index_oid oid, wanted integer, seed integer,
  pages double precision, total double precision)
RETURNS tid[]
LANGUAGE plpgsql
AS $function$
DECLARE
  facts record;
  places tid[];
BEGIN
  SELECT * INTO facts FROM ruvector.healing_index_key(index_oid);
  EXECUTE format('SELECT array_agg(place) FROM (
      SELECT ctid AS place, %6$s AS v FROM ONLY %1$s %4$s WHERE %2$s
       ORDER BY hashtext(ctid::text || %3$L) LIMIT %5$s) s %7$s',
    facts.heap, ruvector.healing_with_key(facts.predicate, facts.key), seed,
    CASE WHEN pages > 1000 AND total > 0 THEN
      format('TABLESAMPLE SYSTEM (%s) REPEATABLE (%s)',
        least(100, 100 * greatest(wanted / pages, 4 * wanted / total))::numeric, seed) END,
    wanted, facts.key, ruvector.healing_with_direction(facts.operator)) INTO places;
  RETURN coalesce(places, '{}');
END
$function$;
COMMENT ON FUNCTION ruvector.healing_sample_rows(oid, integer, integer, double precision,
  double precision) IS 'Places of rows of an index, sampled evenly, repeatable by seed.';

-- Pages of an index's table, and the rows that the index holds: counted where the table has no more
-- than so many pages, else as the statistics have them.
CREATE OR REPLACE FUNCTION ruvector.healing_index_size(index_oid oid,
  exact_count_pages double precision, OUT pages double precision, OUT total double precision)
LANGUAGE plpgsql
AS $function$
DECLARE
  facts record;
BEGIN
  SELECT * INTO facts FROM ruvector.healing_index_key(index_oid);
  SELECT pg_relation_size(h.oid) / current_setting('block_size')::float8,
    greatest(h.reltuples, pg_stat_get_live_tuples(h.oid))
    INTO pages, total FROM pg_index i JOIN pg_class h ON h.oid = i.indrelid
      WHERE i.indexrelid = index_oid;
  IF pages <= exact_count_pages THEN
    EXECUTE format('SELECT count(*) FROM ONLY %s WHERE %s', facts.heap,
      ruvector.healing_with_key(facts.predicate, facts.key)) INTO total;
  ELSIF facts.predicate <> 'true' THEN
    SELECT CASE WHEN c.reltuples >= 0 THEN c.reltuples ELSE total END INTO total FROM pg_class c
      WHERE c.oid = index_oid;
  END IF;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_index_size(oid, double precision)
  IS 'Pages of the table of a vector index, and the rows that the index holds.';

-- The probes (ef_search) at which the planner takes this index for the n nearest rows, beside
-- whatever other index there is; NULL, and the name of the one it takes, where it never does.
-- Leaves them set, in the caller's transaction.
CREATE OR REPLACE FUNCTION ruvector.healing_planning(index_oid oid, vector text, scanning integer,
  n integer, OUT planning text, OUT chosen text)
LANGUAGE plpgsql
AS $function$
DECLARE
  facts record;
  explained jsonb;
  tried text;
  most text;
BEGIN
  SELECT * INTO facts FROM ruvector.healing_index_key(index_oid);
  most := CASE facts.method WHEN 'ivfflat' THEN '32768' ELSE '1000' END;
  -- An index of the other method looks dear: else an ivfflat index of one probe is taken before an
  -- hnsw index, whatever its ef_search.
  PERFORM set_config('enable_indexscan', 'on', true), set_config('enable_seqscan', 'off', true),
    set_config('ivfflat.probes', '32768', true), set_config('hnsw.ef_search', '1000', true);
  FOREACH planning IN ARRAY ARRAY[scanning::text, '1', most, most] LOOP
    -- The second time with all of them, pages cost nothing: two indexes then cost the same, and the
    -- newer one is taken. That is how one with fewer lists is told from an older one whose pages
    -- inserts have filled better (410 pages of 40 lists, 416 of 22, measured).
    IF planning = most AND tried = most THEN
      PERFORM set_config('seq_page_cost', '0', true), set_config('random_page_cost', '0', true);
    END IF;
    tried := planning;
    PERFORM set_config(facts.setting, planning, true);
    EXECUTE format('EXPLAIN (FORMAT JSON) SELECT ctid FROM ONLY %s WHERE %s ORDER BY %s %s CAST(%L '
      'AS %s) LIMIT %s',
                   facts.heap, facts.predicate, facts.key, facts.operator, vector, facts.key_type,
                     n) INTO explained;
    chosen := jsonb_path_query_first(explained, '$.**."Index Name"') #>> '{}';
    IF chosen = facts.index_name THEN
      RETURN;
    END IF;
  END LOOP;
  planning := NULL;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_planning(oid, text, integer, integer)
  IS 'Probes at planning time that make the planner take one index and no other.';
