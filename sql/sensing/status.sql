CREATE OR REPLACE FUNCTION public.ruvector_integrity_status(collection text DEFAULT NULL)
RETURNS TABLE (
  collection_name text,
  state text,
  state_code smallint,
  since timestamptz,
  lambda double precision,
  sampled_at timestamptz,
  source text,
  witness_edges jsonb,
  unmeasured jsonb
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  -- Arguments are checked first and by themselves: in a condition PostgreSQL 15 to 17 ask for each
  -- row, and not at all where there is none.
  SELECT ruvector.healing_collection(ruvector_integrity_status.collection)
    WHERE ruvector_integrity_status.collection IS NOT NULL;
  SELECT format('%I.%I', c.schema_name, c.table_name),
         (ARRAY['normal', 'stress', 'critical'])[s.state + 1], s.state, s.since, s.lambda,
           s.sampled_at,
         m.source, m.witness_edges, m.unmeasured
    FROM ruvector.collections c
    LEFT JOIN ruvector.integrity_state s USING (collection_id)
    LEFT JOIN ruvector.integrity_samples m ON m.id = s.sample_id
   WHERE (ruvector_integrity_status.collection IS NULL
          OR c.collection_id = ruvector.healing_collection(ruvector_integrity_status.collection))
     AND ruvector.healing_sees((SELECT ruvector.healing_tenant_scope()), c.collection_id)
   ORDER BY s.state DESC NULLS LAST, s.lambda, c.collection_id;
$function$;
COMMENT ON FUNCTION public.ruvector_integrity_status(text)
  IS 'Present integrity of all collections, the worst first: SELECT * FROM '
  'ruvector_integrity_status();';
