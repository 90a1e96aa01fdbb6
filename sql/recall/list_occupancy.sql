-- Plain SQL over what the sensor remembers: cheap enough for a dashboard.
CREATE OR REPLACE FUNCTION public.ruvector_healing_list_occupancy(collection text DEFAULT NULL)
RETURNS TABLE (
  collection_ text,
  index text,
  list integer,
  rows bigint,
  ratio double precision,
  source text,
  measured_at timestamptz
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  -- Arguments are checked first and by themselves: in a condition PostgreSQL 15 to 17 ask for each
  -- row, and not at all where there is none.
  SELECT ruvector.healing_collection(ruvector_healing_list_occupancy.collection)
    WHERE ruvector_healing_list_occupancy.collection IS NOT NULL;
  SELECT format('%I.%I', c.schema_name, c.table_name), i.name, (l.place - 1)::int, l.rows::bigint,
         l.rows::float8 / nullif((i.kept #>> '{measured,rows}')::float8 / v.lists, 0),
         i.kept #>> '{measured,lists,source}', to_timestamp((i.kept ->> 'at')::float8)
    FROM ruvector.collections c
    JOIN ruvector.integrity_measurements m ON m.collection_id = c.collection_id
      AND m.kind = 'centroids'
   CROSS JOIN LATERAL jsonb_each(m.value) i(name, kept)
   CROSS JOIN LATERAL ruvector.healing_index_key((i.kept ->> 'oid')::oid) v
   CROSS JOIN LATERAL jsonb_array_elements_text(CASE jsonb_typeof(i.kept #> '{measured,lists,rows}')
     WHEN 'array' THEN i.kept #> '{measured,lists,rows}' ELSE '[]' END)
              WITH ORDINALITY l(rows, place)
   WHERE (collection IS NULL OR c.collection_id = ruvector.healing_collection(collection))
     AND ruvector.healing_sees((SELECT ruvector.healing_tenant_scope()), c.collection_id)
   ORDER BY 1, 2, 3;
$function$;
COMMENT ON FUNCTION public.ruvector_healing_list_occupancy(text)
  IS 'Rows of each list of the IVF indexes and their ratio to the mean list, as last measured: '
  'SELECT * FROM ruvector_healing_list_occupancy(''embeddings'') ORDER BY ratio DESC;';
