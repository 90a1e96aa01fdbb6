CREATE OR REPLACE FUNCTION public.ruvector_healing_history(
  since timestamptz DEFAULT now() - interval '24 hours',
  limit_ integer DEFAULT 20
)
RETURNS TABLE (
  action_id bigint,
  collection text,
  state text,
  problem_class text,
  strategy text,
  initiated_by text,
  created_at timestamptz,
  finished_at timestamptz,
  duration interval,
  rows_moved bigint,
  initial_lambda double precision,
  predicted_lambda double precision,
  final_lambda double precision,
  improvement real,
  verified boolean,
  message text
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  -- Arguments are checked first and by themselves: in a condition PostgreSQL 15 to 17 ask for each
  -- row, and not at all where there is none.
  SELECT ruvector.healing_since(ruvector_healing_history.since),
    ruvector.healing_limit(ruvector_healing_history.limit_);
  SELECT a.id, a.collection, a.state, a.problem_class, a.strategy_name, a.initiated_by,
    a.created_at, a.finished_at,
         coalesce(a.finished_at, clock_timestamp()) - a.created_at, (a.progress ->> 'rows')::bigint,
         a.initial_lambda, a.predicted_lambda, a.final_lambda, o.improvement_pct, a.verified,
         ruvector.healing_words_seen((SELECT ruvector.healing_tenant_scope()),
           nullif(concat_ws('; ', a.message, CASE WHEN o.feedback_at IS NOT NULL
           THEN format('judged %s by %s%s', o.feedback_score, o.feedback_by,
           ': ' || o.feedback_note) END), ''),
           format('%s: %s', a.strategy_name, replace(a.state, '_', ' ')))
    FROM ruvector.healing_actions a
    LEFT JOIN ruvector.healing_outcomes o ON o.action_id = a.id
   WHERE a.updated_at >= ruvector.healing_since(since)
     AND ruvector.healing_sees((SELECT ruvector.healing_tenant_scope()), a.collection_id,
       coalesce(o.tenant_id, ruvector.healing_action_tenant(a.collection_id, a.progress)))
   ORDER BY a.id DESC
   LIMIT ruvector.healing_limit(limit_);
$function$;
COMMENT ON FUNCTION public.ruvector_healing_history(timestamptz, integer)
  IS 'Actions, newest first: SELECT * FROM ruvector_healing_history(since := now() - interval '
  '''24 hours'', limit_ := 20);';
