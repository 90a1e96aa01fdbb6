-- Why the loop acted or did not: refusals (counted, not repeated) and started actions in one table.
-- Plain SQL.
CREATE OR REPLACE FUNCTION public.ruvector_healing_decisions(
  since timestamptz DEFAULT now() - interval '24 hours',
  limit_ integer DEFAULT 20
)
RETURNS TABLE (
  at timestamptz,
  collection text,
  decision text,
  reason text,
  problem_class text,
  strategy text,
  action_id bigint,
  message text,
  measured jsonb,
  flips_at text,
  count bigint,
  first_at timestamptz,
  last_at timestamptz,
  open boolean,
  escalated_at timestamptz
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  -- Arguments are checked first and by themselves: in a condition PostgreSQL 15 to 17 ask for each
  -- row, and not at all where there is none.
  SELECT ruvector.healing_since(ruvector_healing_decisions.since),
    ruvector.healing_limit(ruvector_healing_decisions.limit_);
  SELECT * FROM (
    SELECT r.last_at AS at, r.collection, 'refused' AS decision, r.reason, r.problem_class,
      NULL::text AS strategy, NULL::bigint AS action_id, r.message, r.measured, r.flips_at,
           r.count, r.first_at, r.last_at, r.closed_at IS NULL AS open, r.escalated_at
      FROM ruvector.healing_refusals r
     WHERE r.last_at >= ruvector.healing_since(ruvector_healing_decisions.since)
    UNION ALL
    -- An action is one decision: how it went on is what ruvector_healing_history() shows.
    SELECT a.created_at, a.collection, CASE WHEN a.state = 'awaiting_approval'
      THEN 'waits for approval' ELSE 'acted' END,
           CASE a.origin WHEN 'loop' THEN 'loop' ELSE a.origin || ' by ' || a.initiated_by END,
             a.problem_class, a.strategy_name, a.id,
           concat_ws('; ', a.problem ->> 'summary', (SELECT c ->> 'name' || ': ' || (c ->> 'reason')
             FROM jsonb_array_elements(a.considered) c WHERE (c ->> 'taken')::boolean LIMIT 1)),
           jsonb_build_object('lambda', a.initial_lambda, 'predicted_lambda', a.predicted_lambda),
             NULL, 1, a.created_at, a.created_at,
           a.state IN ('planned', 'awaiting_approval', 'executing', 'stabilizing', 'rolling_back'),
             NULL
      FROM ruvector.healing_actions a
     WHERE a.created_at >= ruvector.healing_since(ruvector_healing_decisions.since)
  ) d
   ORDER BY d.at DESC, d.action_id DESC NULLS LAST, d.collection, d.reason
   LIMIT ruvector.healing_limit(limit_);
$function$;
COMMENT ON FUNCTION public.ruvector_healing_decisions(timestamptz, integer)
  IS 'Why the loop acted or did not, newest first: SELECT * FROM ruvector_healing_decisions(since '
  ':= now() - interval ''1 hour'', limit_ := 20);';
