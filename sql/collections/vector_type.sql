-- Whether a type holds vectors: 'vector' for those of pgvector and domains over them, 'bit' for
-- bits, which pgvector indexes as vectors and most people use for something else; NULL: it holds
-- none.
CREATE OR REPLACE FUNCTION ruvector.healing_vector_type(type oid)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH RECURSIVE made(oid, next) AS (
    SELECT t.oid, t.typbasetype FROM pg_type t WHERE t.oid = type
    UNION ALL
    SELECT t.oid, t.typbasetype FROM made m JOIN pg_type t ON t.oid = m.next
  )
  SELECT CASE WHEN EXISTS (SELECT FROM pg_depend d
                JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'vector'
               WHERE d.classid = 'pg_type'::regclass AND d.objid = m.oid AND d.deptype = 'e'
                 AND d.refclassid = 'pg_extension'::regclass) THEN 'vector'
              WHEN m.oid = 'bit'::regtype THEN 'bit' END
    FROM made m WHERE m.next = 0;
$function$;
COMMENT ON FUNCTION ruvector.healing_vector_type(oid)
  IS 'Whether a type holds vectors: vector, bit, or NULL.';
