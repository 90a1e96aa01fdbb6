-- How an action ended, for learning and for the record. Plain SQL, so that an end that JavaScript
-- could not come to (healing_tick_collection) is counted as well.
CREATE OR REPLACE FUNCTION ruvector.healing_record_outcome(action_id bigint, success boolean,
  improvement real DEFAULT NULL, feedback real DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_column
DECLARE
  first_ boolean;
BEGIN
  INSERT INTO ruvector.healing_outcomes AS o
    (collection_id, collection, tenant_id, problem_class, problem_details, strategy_name,
      strategy_params, started_at, completed_at,
     duration_ms, success, verified, actions_taken, improvement_pct, error_message, initial_lambda,
       final_lambda, witness_edges,
     system_metrics, action_id, predicted_lambda, rolled_back, feedback_score, recovery_seconds)
  SELECT a.collection_id, a.collection, ruvector.healing_action_tenant(a.collection_id, a.progress),
    a.problem_class, a.problem -> 'details', a.strategy_name, a.strategy_params,
         coalesce(a.started_at, a.created_at), a.finished_at,
         least(extract(epoch FROM a.finished_at - coalesce(a.started_at, a.created_at)) * 1000,
           2147483647)::int,
         $2, a.verified, coalesce((a.progress ->> 'rows')::int, 0), $3, CASE WHEN $2 THEN NULL
           ELSE a.message END,
         a.initial_lambda, a.final_lambda, a.witness_edges, a.system_metrics, a.id,
           a.predicted_lambda,
         a.state <> 'succeeded', $4,
           extract(epoch FROM a.finished_at - coalesce(a.degraded_at, a.created_at))
    FROM ruvector.healing_actions a WHERE a.id = $1
  -- What a person said of it stands over what their rollback says.
  ON CONFLICT (action_id) DO UPDATE
    SET rolled_back = excluded.rolled_back,
        feedback_score = CASE WHEN o.feedback_at IS NOT NULL THEN o.feedback_score
          ELSE coalesce(excluded.feedback_score, o.feedback_score) END
  RETURNING o.xmax = 0 INTO first_;
  IF first_ THEN
    PERFORM ruvector.healing_suspend_failed($1);
  END IF;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_record_outcome(bigint, boolean, real, real)
  IS 'Writes the outcome of an action that has ended; one that has an outcome keeps it.';
