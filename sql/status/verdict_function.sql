-- Plain SQL, as everything that is asked often.
CREATE OR REPLACE FUNCTION public.ruvector_healing_verdict(collection text DEFAULT NULL)
RETURNS TABLE (collection_name text, verdict text, sentence text, lambda double precision,
  state text, since timestamptz, sampled_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  WITH wanted AS (
    SELECT c.collection_id, format('%I.%I', c.schema_name, c.table_name) AS name
      FROM ruvector.collections c
     WHERE (ruvector_healing_verdict.collection IS NULL
       OR c.collection_id = ruvector.healing_collection(ruvector_healing_verdict.collection))
       AND ruvector.healing_sees((SELECT ruvector.healing_tenant_scope()), c.collection_id)
  )
  SELECT w.name, v.verdict, v.sentence, s.lambda, (ARRAY['normal', 'stress', 'critical'])[s.state
    + 1], s.since, s.sampled_at
    FROM wanted w
    JOIN ruvector.healing_verdicts(ARRAY(SELECT collection_id FROM wanted)) v USING (collection_id)
    LEFT JOIN ruvector.integrity_state s USING (collection_id)
   ORDER BY array_position(ARRAY['critical', 'stress', 'suspect', 'unknown', 'healing',
     'recovering', 'healthy'], v.verdict), s.lambda, w.name;
$function$;
COMMENT ON FUNCTION public.ruvector_healing_verdict(text)
  IS 'How each collection is, in a word and a sentence, the worst first: SELECT * FROM '
  'ruvector_healing_verdict();';
