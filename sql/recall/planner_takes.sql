-- The index that the planner takes for the usual search of a table, ORDER BY distance LIMIT k;
-- NULL: none, it reads the whole table. With the settings of a new session of the table's owner:
-- whatever the session that asks has set (enable_seqscan, random_page_cost) is left out.
CREATE OR REPLACE FUNCTION ruvector.healing_planner_takes(index_oid oid, vector text,
  probes integer, k integer)
RETURNS text
LANGUAGE plpgsql
AS $function$
DECLARE
  facts record;
  explained jsonb;
BEGIN
  SELECT * INTO facts FROM ruvector.healing_vector_index(index_oid);
  BEGIN
    -- Role in database, role, database, else as this session began: the same order as for the
    -- probes.
    PERFORM set_config(s.name, coalesce(
              (SELECT substr(one, strpos(one, '=') + 1)
                FROM pg_db_role_setting d CROSS JOIN LATERAL unnest(d.setconfig) one
                WHERE d.setdatabase IN (0, (SELECT oid FROM pg_database
                  WHERE datname = current_database()))
                  AND d.setrole IN (0, (SELECT h.relowner
                    FROM pg_index i JOIN pg_class h ON h.oid = i.indrelid
                    WHERE i.indexrelid = index_oid))
                  AND split_part(one, '=', 1) = s.name
                ORDER BY d.setrole = 0, d.setdatabase = 0 LIMIT 1), s.reset_val), true)
       FROM pg_settings s WHERE s.category LIKE 'Query Tuning /%' AND s.context = 'user';
    PERFORM set_config(facts.setting, probes::text, true);
    EXECUTE format('EXPLAIN (FORMAT JSON) SELECT ctid FROM ONLY %s WHERE %s ORDER BY %s %s CAST(%L '
      'AS %s) LIMIT %s',
                   facts.heap, facts.predicate, facts.key, facts.operator, vector, facts.key_type,
                     k) INTO explained;
    RAISE EXCEPTION USING ERRCODE = 'RV000';
  EXCEPTION WHEN SQLSTATE 'RV000' THEN
    NULL;
  END;
  -- A bitmap scan and a sort read all rows that match: that is no search by an index.
  RETURN (SELECT node ->> 'Index Name' FROM jsonb_path_query(explained, '$.**') node
           WHERE node ->> 'Node Type' = 'Index Scan' AND jsonb_exists(node, 'Order By') LIMIT 1);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_planner_takes(oid, text, integer, integer)
  IS 'The index that the planner takes for the nearest rows with the settings of the table''s '
  'owner; NULL: none.';
