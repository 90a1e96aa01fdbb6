-- Entries of every list of an ivfflat index, read from its pages: only where pageinspect is there
-- and we are superuser (get_raw_page asks for that), and the index has at most max_pages pages.
-- NULL otherwise. Layout (pgvector 0.5 to 0.8): block 0 is the meta page (lists at byte 34), from
-- block 1 a chain of list pages whose items begin with the first block of their list; entry pages
-- are chained by the block number in their special space. Little endian.
CREATE OR REPLACE FUNCTION ruvector.healing_read_lists(index_oid oid, max_pages integer)
RETURNS jsonb
LANGUAGE plpgsql
AS $function$
DECLARE
  reader text := (SELECT format('%I.get_raw_page(%%L, %%L, %%s)', n.nspname)
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
                   WHERE e.extname = 'pageinspect');
  relation text := (SELECT format('%I.%I', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = index_oid);
  none constant bigint := 4294967295;
  lists jsonb := '[]';
  page bytea;
  entries bytea;
  block bigint := 1;
  place bigint;
  rows bigint;
  item integer;
  pages integer := 0;
  largest constant integer := pg_relation_size(index_oid) / current_setting('block_size')::int;
BEGIN
  IF reader IS NULL OR largest > max_pages OR NOT (SELECT rolsuper FROM pg_roles
    WHERE rolname = current_user) THEN
    RETURN NULL;
  END IF;
  WHILE block <> none AND pages <= largest LOOP
    EXECUTE format('SELECT ' || reader, relation, 'main', block) INTO page;
    pages := pages + 1;
    FOR item IN 0 .. (ruvector.healing_page_number(page, 12, 2) - 24) / 4 - 1 LOOP
      place := ruvector.healing_page_number(page,
        (ruvector.healing_page_number(page, 24 + 4 * item, 2) & 32767)::int, 4);
      rows := 0;
      WHILE place <> none AND pages <= largest LOOP
        EXECUTE format('SELECT ' || reader, relation, 'main', place) INTO entries;
        pages := pages + 1;
        rows := rows + (ruvector.healing_page_number(entries, 12, 2) - 24) / 4;
        place := ruvector.healing_page_number(entries, ruvector.healing_page_number(entries, 16,
          2)::int, 4);
      END LOOP;
      lists := lists || to_jsonb(rows);
    END LOOP;
    block := ruvector.healing_page_number(page, ruvector.healing_page_number(page, 16, 2)::int, 4);
  END LOOP;
  RETURN jsonb_build_object('source', 'pageinspect', 'rows', lists);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_read_lists(oid, integer)
  IS 'Entries of each list of an ivfflat index by pageinspect; NULL where that may not be used.';

CREATE OR REPLACE FUNCTION ruvector.healing_page_number(page bytea, at integer, bytes integer)
RETURNS bigint
LANGUAGE sql IMMUTABLE
AS $function$
  SELECT get_byte(page, at)::bigint + (get_byte(page, at + 1)::bigint << 8)
         + CASE WHEN bytes = 4
           THEN (get_byte(page, at + 2)::bigint << 16) + (get_byte(page, at + 3)::bigint << 24)
           ELSE 0 END;
$function$;
COMMENT ON FUNCTION ruvector.healing_page_number(bytea, integer, integer)
  IS 'A little-endian number of a page.';

-- Lists seen from outside: with one probe an index scan returns the rows of one list, the nearest
-- to the vector asked for. Rows are sampled evenly, so a list is met with a probability that grows
-- with its rows; a sampled row that was in a list read already costs nothing. Which list it was
-- cannot be seen: they come fullest first. A list is read up to max_rows. Called by
-- healing_measure_index, whose planner settings it works under.
CREATE OR REPLACE FUNCTION ruvector.healing_walk_lists(index_oid oid, wanted jsonb,
  pages double precision, total double precision)
RETURNS jsonb
LANGUAGE plpgsql
AS $function$
DECLARE
  facts record;
  planned record;
  most integer := (wanted ->> 'max_rows')::int;
  deadline timestamptz := clock_timestamp() + (wanted ->> 'budget_ms')::float8 * interval
    '1 millisecond';
  places tid[];
  vector text;
  walk refcursor;
  rows bigint;
  seen tid[];
  found bigint[] := '{}';
  sampled integer;
BEGIN
  SELECT * INTO facts FROM ruvector.healing_index_key(index_oid);
  places := ruvector.healing_sample_rows(index_oid, least(1000, 3 * facts.lists),
    coalesce((wanted ->> 'seed')::int, 0), pages, total);
  sampled := cardinality(places);
  WHILE cardinality(places) > 0 AND (clock_timestamp() < deadline OR found = '{}') LOOP
    EXECUTE format('SELECT %s::text FROM ONLY %s WHERE ctid = $1', facts.key, facts.heap)
      INTO vector USING places[1];
    IF planned IS NULL THEN
      SELECT * INTO planned FROM ruvector.healing_planning(index_oid, vector, 1, most);
      IF planned.planning IS NULL THEN
        RETURN NULL;
      END IF;
    END IF;
    PERFORM set_config('ivfflat.probes', planned.planning, true),
      set_config('enable_indexscan', 'on', true), set_config('enable_seqscan', 'off', true);
    OPEN walk FOR EXECUTE format(
      'WITH list AS MATERIALIZED (
         SELECT ctid AS place FROM ONLY %4$s WHERE %5$s
          ORDER BY %1$s %2$s CAST($1 AS %3$s) LIMIT %6$s)
       SELECT (SELECT count(*) FROM list),
              ARRAY(SELECT s FROM unnest($2) s JOIN list ON list.place = s)',
      facts.key, facts.operator, facts.key_type, facts.heap, facts.predicate, most)
        USING vector, places;
    PERFORM set_config('ivfflat.probes', '1', true);
    FETCH walk INTO rows, seen;
    CLOSE walk;
    found := found || rows;
    -- The row itself is away from its list only where two centroids are equally near.
    places := ARRAY(SELECT p FROM unnest(places[2:]) WITH ORDINALITY u(p, o) WHERE p <> ALL (seen)
      ORDER BY o);
  END LOOP;
  -- Those left when the time was over show nothing.
  RETURN jsonb_build_object('source', 'sampled', 'sampled', sampled - cardinality(places),
    'rows', coalesce((SELECT jsonb_agg(r ORDER BY r DESC) FROM unnest(found) r), '[]'));
END
$function$;
COMMENT ON FUNCTION ruvector.healing_walk_lists(oid, jsonb, double precision, double precision)
  IS 'Entries of the lists of an ivfflat index that sampled rows lie in.';

-- Rows of the largest groups of equal vectors, the most there may be: all of a group lie in one
-- list, whatever is rebuilt. Of 300 sampled rows; groups of at least 3 of them, three standard
-- errors added. By hash: a vector of 1,536 dimensions is a text of 15 kB.
CREATE OR REPLACE FUNCTION ruvector.healing_equal_vectors(index_oid oid, seed integer,
  pages double precision, total double precision)
RETURNS jsonb
LANGUAGE plpgsql
AS $function$
DECLARE
  facts record;
  places tid[] := ruvector.healing_sample_rows(index_oid, 300, seed, pages, total);
  counts integer[];
BEGIN
  SELECT * INTO facts FROM ruvector.healing_index_key(index_oid);
  EXECUTE format('SELECT array_agg(n ORDER BY n DESC) FROM (
      SELECT count(*)::int AS n FROM ONLY %s WHERE ctid = ANY ($1)
       GROUP BY hashtextextended(%s::text, 0) HAVING count(*) >= 3) g',
    facts.heap, facts.key) INTO counts USING places;
  RETURN coalesce((
    SELECT jsonb_agg(least(total,
      total * (s.share + 3 * sqrt(s.share * (1 - s.share) / cardinality(places)))))
      FROM (SELECT n::float8 / cardinality(places) AS share FROM unnest(counts[1:20]) n) s), '[]');
END
$function$;
COMMENT ON FUNCTION ruvector.healing_equal_vectors(oid, integer, double precision, double precision)
  IS 'Rows of the largest groups of equal vectors of an index, sampled, the most there may be.';

-- Share of rows that were written after the index was built, of 300 sampled ones: {since_made,
-- since_file}. Built by the transaction that made it, or (a REINDEX, TRUNCATE, VACUUM FULL) gave it
-- its file; a rename looks like the latter. A row keeps the number of its transaction when it is
-- frozen; one that an UPDATE wrote anew counts as new. Within one transaction, as migrations run,
-- the commands tell. Rows that are older than their table were brought by pg_upgrade, which makes
-- the catalogues anew: every index would look as if it was just built. Then: NULL.
CREATE OR REPLACE FUNCTION ruvector.healing_rows_since_built(index_oid oid, seed integer,
  pages double precision, total double precision)
RETURNS jsonb
LANGUAGE plpgsql
AS $function$
DECLARE
  facts record;
  places tid[] := ruvector.healing_sample_rows(index_oid, 300, seed, pages, total);
  made record;
  answer jsonb;
BEGIN
  SELECT * INTO facts FROM ruvector.healing_index_key(index_oid);
  -- The row of a system column is never written again: it is as old as the table.
  SELECT age(i.xmin) AS age, i.cmin::text::bigint AS command, age(c.xmin) AS file_age,
         c.cmin::text::bigint AS file_command, age(t.xmin) AS table_age INTO made
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      JOIN pg_attribute t ON t.attrelid = i.indrelid AND t.attnum = -1
   WHERE c.oid = index_oid;
  EXECUTE format('SELECT jsonb_build_object('
    '''since_made'', avg((r.age < $2 OR r.age = $2 AND r.command >= $3)::int), '
    '''since_file'', avg((r.age < $4 OR r.age = $4 AND r.command >= $5)::int)) '
    'FROM (SELECT age(xmin) AS age, cmin::text::bigint AS command FROM ONLY %s '
    'WHERE ctid = ANY ($1)) r HAVING coalesce(max(r.age) <= $6, true)', facts.heap)
    INTO answer USING places, made.age, made.command, made.file_age, made.file_command,
      made.table_age;
  RETURN coalesce(answer, jsonb_build_object('since_made', NULL, 'since_file', NULL));
END
$function$;
COMMENT ON FUNCTION ruvector.healing_rows_since_built(oid, integer, double precision,
  double precision) IS 'Share of an index''s rows that were written after it was built, sampled.';
