-- What a new session of a table's owner plans and searches with: role in database, role, database,
-- else as this session began, but for what its own role has of its own, which is no other role's.
-- Set for the caller's transaction; whatever the session that asks has set (enable_seqscan,
-- random_page_cost) is left out. pgvector's own are known once it is loaded: call it after a vector
-- was read.
CREATE OR REPLACE FUNCTION ruvector.healing_owner_settings(heap oid)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  one record;
BEGIN
  FOR one IN
    SELECT s.name, CASE WHEN s.source IN ('global', 'database', 'user', 'database user')
             OR s.name IN (SELECT split_part(mine, '=', 1)
               FROM pg_db_role_setting d CROSS JOIN LATERAL unnest(d.setconfig) mine
               JOIN pg_roles r ON r.oid = d.setrole AND r.rolname = session_user
              WHERE d.setdatabase IN (0, (SELECT oid FROM pg_database
               WHERE datname = current_database())))
             THEN s.boot_val ELSE s.reset_val END AS reset_val, s.boot_val,
           (SELECT substr(kept, strpos(kept, '=') + 1)
              FROM pg_db_role_setting d CROSS JOIN LATERAL unnest(d.setconfig) kept
             WHERE d.setdatabase IN (0, (SELECT oid FROM pg_database
               WHERE datname = current_database()))
               AND d.setrole IN (0, (SELECT relowner FROM pg_class WHERE pg_class.oid = heap))
               AND split_part(kept, '=', 1) = s.name
             ORDER BY d.setrole = 0, d.setdatabase = 0 LIMIT 1) AS kept
      FROM ruvector.healing_parameters() s
     WHERE s.context = 'user'
       AND (s.category LIKE 'Query Tuning /%' OR s.name LIKE 'hnsw.%' OR s.name LIKE 'ivfflat.%')
  LOOP
    PERFORM set_config(one.name, one.reset_val, true);
    CONTINUE WHEN one.kept IS NULL;
    BEGIN
      PERFORM set_config(one.name, one.kept, true);
    EXCEPTION WHEN invalid_parameter_value THEN
      -- Set where pgvector was not loaded, it may be any text: a new session goes without it too,
      -- and without what lies below it.
      PERFORM set_config(one.name, one.boot_val, true);
    END;
  END LOOP;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_owner_settings(oid)
  IS 'Sets, for the transaction, what a new session of a table''s owner plans and searches with.';
