CREATE OR REPLACE FUNCTION public.ruvector_integrity_history(
  collection text DEFAULT NULL,
  since timestamptz DEFAULT now() - interval '24 hours',
  limit_ integer DEFAULT 100
)
RETURNS TABLE (
  collection_name text,
  sampled_at timestamptz,
  lambda double precision,
  state text,
  source text,
  witness_edges jsonb,
  metrics jsonb
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  -- Arguments are checked first and by themselves: in a condition PostgreSQL 15 to 17 ask for each
  -- row, and not at all where there is none.
  SELECT ruvector.healing_since(ruvector_integrity_history.since),
    ruvector.healing_limit(ruvector_integrity_history.limit_),
         CASE WHEN ruvector_integrity_history.collection IS NOT NULL
           THEN ruvector.healing_collection(ruvector_integrity_history.collection) END;
  SELECT format('%I.%I', c.schema_name, c.table_name), m.sampled_at, m.lambda,
         (ARRAY['normal', 'stress', 'critical'])[m.state + 1], m.source, m.witness_edges,
         -- A subquery is asked for the rows that are returned: of a join PostgreSQL 17 reads all.
         ruvector.healing_metrics_seen((SELECT ruvector.healing_tenant_scope()),
           coalesce((SELECT o.metrics FROM ruvector.integrity_samples o WHERE o.id = m.same_as),
             m.metrics))
    FROM ruvector.integrity_samples m
    JOIN ruvector.collections c USING (collection_id)
   WHERE m.sampled_at >= ruvector.healing_since(since)
     AND (ruvector_integrity_history.collection IS NULL
          OR c.collection_id = ruvector.healing_collection(ruvector_integrity_history.collection))
     AND ruvector.healing_sees((SELECT ruvector.healing_tenant_scope()), c.collection_id)
   ORDER BY m.sampled_at DESC, m.id DESC
   LIMIT ruvector.healing_limit(limit_);
$function$;
COMMENT ON FUNCTION public.ruvector_integrity_history(text, timestamptz, integer)
  IS 'Readings of the sensor, newest first: SELECT * FROM '
  'ruvector_integrity_history(''embeddings'', since := now() - interval ''1 hour'');';
