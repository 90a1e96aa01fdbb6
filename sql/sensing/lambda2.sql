CREATE OR REPLACE FUNCTION public.ruvector_integrity_lambda2(
  collection text DEFAULT NULL -- required
)
RETURNS double precision
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT (ruvector.healing_call('lambda2',
    jsonb_build_object('collection_id', ruvector.healing_collection(collection)))
    ->> 'lambda2')::double precision;
$function$;
COMMENT ON FUNCTION public.ruvector_integrity_lambda2(text)
  IS 'Algebraic connectivity of the operational graph of a collection, a signal of drift that '
  'nothing decides by: the second smallest eigenvalue of its normalised Laplacian '
  'I - D^(-1/2) W D^(-1/2), W the capacities of the links, D their sums around each node (Chung, '
  'Spectral Graph Theory, 1997). 0: in pieces. Small: a bottleneck. NULL: fewer than two nodes, '
  'or not found within 2,000 steps. Computed when it is asked for: '
  'SELECT ruvector_integrity_lambda2(''embeddings'');';
