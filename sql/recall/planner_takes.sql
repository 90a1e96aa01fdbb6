-- The index that the planner takes for the usual search of a table, ORDER BY distance LIMIT k;
-- NULL: none, it reads the whole table. With the settings of a new session of the table's owner.
CREATE OR REPLACE FUNCTION ruvector.healing_planner_takes(index_oid oid, vector text,
  probes integer, k integer)
RETURNS text
LANGUAGE plpgsql
AS $function$
DECLARE
  facts record;
  explained jsonb;
BEGIN
  SELECT * INTO facts FROM ruvector.healing_index_key(index_oid);
  BEGIN
    PERFORM ruvector.healing_owner_settings(i.indrelid) FROM pg_index i
      WHERE i.indexrelid = index_oid;
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
