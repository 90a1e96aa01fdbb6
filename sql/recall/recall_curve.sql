CREATE OR REPLACE FUNCTION public.ruvector_healing_recall_curve(
  collection text DEFAULT NULL, -- required
  index text DEFAULT NULL
)
RETURNS TABLE (
  index_ text,
  method text,
  setting text,
  value integer,
  recall double precision,
  blocks double precision,
  ms double precision,
  rows_returned double precision,
  planner_uses_it boolean,
  current boolean,
  note text
)
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT p ->> 'index', p ->> 'method', p ->> 'setting', (p ->> 'value')::int,
         (p ->> 'recall')::float8, (p ->> 'blocks')::float8, (p ->> 'ms')::float8,
         (p ->> 'returned')::float8, (p ->> 'taken')::boolean, (p ->> 'current')::boolean,
         p ->> 'note'
    FROM jsonb_array_elements(ruvector.healing_call('recall_curve', jsonb_build_object(
      'collection_id', ruvector.healing_collection(ruvector_healing_recall_curve.collection),
      'index', ruvector_healing_recall_curve.index)) -> 'points') WITH ORDINALITY u (p, place)
   ORDER BY place;
$function$;
COMMENT ON FUNCTION public.ruvector_healing_recall_curve(text, text)
  IS 'Recall@k and cost (blocks, milliseconds a search) of each vector index at five to seven '
  'values of hnsw.ef_search or ivfflat.probes, measured now: SELECT * FROM '
  'ruvector_healing_recall_curve(''embeddings'');';
