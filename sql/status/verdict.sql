-- The verdict: how a collection is, in one word and one sentence. Everybody who tells people how a
-- collection is (status, metrics, commands, page, demo, explanations) takes it from here; the three
-- integrity states stay what the loop decides by.

-- In this order; the first that holds is the verdict (docs/monitoring.md has the table,
-- test/integration/verdict.test.ts tries every combination): nothing is known of what was not
-- looked at lately; an action at work; well again, though the state is not yet back; the state;
-- bad, but not long enough for a state. stress + margin is added as src/sense/states.ts adds it.
CREATE OR REPLACE FUNCTION ruvector.healing_verdict_of(
  seen boolean, at_work boolean, state integer, lambda double precision, stress double precision,
    margin double precision
)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $function$
  SELECT CASE
    WHEN seen IS NOT TRUE OR state IS NULL THEN 'unknown'
    WHEN at_work THEN 'healing'
    WHEN state > 0 AND lambda > stress + margin THEN 'recovering'
    WHEN state = 2 THEN 'critical'
    WHEN state = 1 THEN 'stress'
    WHEN lambda IS NULL THEN 'unknown'
    WHEN lambda < stress THEN 'suspect'
    ELSE 'healthy' END;
$function$;
COMMENT ON FUNCTION ruvector.healing_verdict_of(boolean, boolean, integer, double precision,
  double precision, double precision) IS 'The verdict on a collection from what is known of it.';

-- Two decimals, and more where they would read as a threshold that lambda has not reached.
CREATE OR REPLACE FUNCTION ruvector.healing_lambda_text(lambda double precision,
  VARIADIC thresholds double precision[] DEFAULT '{}')
RETURNS text
LANGUAGE sql IMMUTABLE
AS $function$
  SELECT pg_catalog.trim_scale(
    CASE WHEN pg_catalog.round(lambda::numeric, 2)::double precision = ANY (thresholds)
    AND pg_catalog.round(lambda::numeric, 2) <> lambda::numeric
                                    THEN pg_catalog.round(lambda::numeric, 4)
                                      ELSE pg_catalog.round(lambda::numeric, 2) END)::text;
$function$;
COMMENT ON FUNCTION ruvector.healing_lambda_text(double precision, double precision[])
  IS 'lambda for people.';

-- The newest tick that failed for a collection lately and since then; no row where none did.
CREATE OR REPLACE FUNCTION ruvector.healing_failed_tick(collection_id integer, since timestamptz)
RETURNS TABLE (at timestamptz, message text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT e.at, e.message
    FROM ruvector.healing_events e
   WHERE e.kind = 'tick_failed' AND e.collection_id = healing_failed_tick.collection_id
     AND e.at > greatest(healing_failed_tick.since, now() - interval '10 minutes')
     AND e.at > clock_timestamp() - interval '10 minutes'
   ORDER BY e.at DESC LIMIT 1;
$function$;
COMMENT ON FUNCTION ruvector.healing_failed_tick(integer, timestamptz)
  IS 'The newest tick of a collection that failed within ten minutes and after some moment.';

-- What verdicts go by, and the verdict; of some collections, or (NULL) of all. base: what is set
-- for all of them, silence_seconds: of the loop. Without SET, so that it is inlined, and what
-- nobody asks of it costs nothing.
CREATE OR REPLACE FUNCTION ruvector.healing_judged(wanted integer[], base jsonb,
  silence_seconds double precision)
RETURNS TABLE (collection_id integer, schema_name text, table_name text, verdict text,
  state smallint, since timestamptz, lambda double precision, sampled_at timestamptz,
  hysteresis jsonb, stress double precision, critical double precision, margin double precision,
  hold text, enabled boolean, stress_samples integer, critical_samples integer, there boolean,
  missing text, fresh boolean, action_id bigint, action_state text, action_strategy text,
  waits_for_window boolean, passed_over boolean)
LANGUAGE sql STABLE
AS $function$
  SELECT c.collection_id, c.schema_name, c.table_name,
         ruvector.healing_verdict_of(k.there AND k.fresh AND NOT k.passed_over,
           coalesce(k.at_work, false), s.state, k.lambda, t.stress, t.margin),
         s.state, s.since, k.lambda, s.sampled_at, s.hysteresis, t.stress,
         (e.e ->> 'critical_threshold')::float8, t.margin, e.e ->> 'recovery_hold_seconds',
         (e.e ->> 'enabled')::boolean, (e.e ->> 'stress_samples')::int,
         (e.e ->> 'critical_samples')::int, k.there, f.reason, k.fresh, a.id, a.state,
         a.strategy_name,
         a.state = 'planned' AND a.progress -> 'waits_for_window' IS NOT DISTINCT FROM 'true',
         k.passed_over
    FROM ruvector.collections c
    JOIN ruvector.healing_found(wanted) f ON f.collection_id = c.collection_id
    LEFT JOIN ruvector.healing_turns d ON d.collection_id = c.collection_id AND d.since IS NOT NULL
    LEFT JOIN ruvector.healing_config own ON own.collection_id = c.collection_id
    LEFT JOIN ruvector.integrity_state s ON s.collection_id = c.collection_id
    LEFT JOIN ruvector.healing_actions a ON a.collection_id = c.collection_id
                                        AND a.state IN ('planned', 'awaiting_approval',
                                          'executing', 'stabilizing', 'rolling_back')
   CROSS JOIN LATERAL (SELECT base || coalesce(own.settings, '{}') AS e) e
   CROSS JOIN LATERAL (
     SELECT (e.e ->> 'stress_threshold')::float8 AS stress,
            (e.e ->> 'recovery_margin')::float8 AS margin) t
   CROSS JOIN LATERAL (
     SELECT f.relid IS NOT NULL AS there, nullif(s.lambda, 'NaN') AS lambda,
            -- Set back, a clock makes nothing old.
            extract(epoch FROM clock_timestamp() - s.sampled_at) <= ruvector.healing_silence(
              (e.e ->> 'min_sample_interval_seconds')::float8, silence_seconds) AS fresh,
            a.state IN ('executing', 'stabilizing')
              OR (a.state = 'planned' AND a.progress -> 'waits_for_window'
              IS DISTINCT FROM 'true') AS at_work,
            coalesce(ruvector.healing_passed_over(d.until), false) AS passed_over) k
   WHERE wanted IS NULL OR c.collection_id = ANY (wanted);
$function$;
COMMENT ON FUNCTION ruvector.healing_judged(integer[], jsonb, double precision)
  IS 'The verdict on each collection, and what it goes by.';

-- Without SET, so that it is inlined.
CREATE OR REPLACE FUNCTION ruvector.healing_clause(sentence text)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $function$
  SELECT lower(left(sentence, 1)) || rtrim(substr(sentence, 2), '.');
$function$;
COMMENT ON FUNCTION ruvector.healing_clause(text) IS 'A sentence as the end of another.';

-- What there is to say where all is well. Without SET, so that it is inlined.
CREATE OR REPLACE FUNCTION ruvector.healing_well(lambda double precision, critical double precision,
  stress double precision, margin double precision)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $function$
  SELECT 'lambda is ' || ruvector.healing_lambda_text(lambda, critical, stress, stress + margin);
$function$;
COMMENT ON FUNCTION ruvector.healing_well(double precision, double precision, double precision,
  double precision) IS 'The sentence of the verdict healthy.';

-- By somebody who knows settings and loop already; clause: its sentence, as the end of another.
CREATE OR REPLACE FUNCTION ruvector.healing_verdicts_by(wanted integer[], base jsonb,
  condition text, clause text, stands_still boolean, silence_seconds double precision)
RETURNS TABLE (collection_id integer, verdict text, sentence text, action_id bigint,
  action_state text, action_strategy text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
DECLARE
  others integer[];
BEGIN
  -- Nearly all are healthy, and of those there is little to say: to begin the statement below takes
  -- three times as long as this one.
  FOR collection_id, verdict, sentence, action_id, action_state, action_strategy IN
    SELECT j.collection_id, j.verdict, CASE j.verdict WHEN 'healthy'
             THEN ruvector.healing_well(j.lambda, j.critical, j.stress, j.margin) END,
           j.action_id, j.action_state, j.action_strategy
      FROM ruvector.healing_judged(wanted, base, silence_seconds) j
  LOOP
    IF verdict = 'healthy' THEN
      RETURN NEXT;
    ELSE
      others := others || collection_id;
    END IF;
  END LOOP;
  IF others IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY WITH judged AS (
    SELECT k.*, d.sentence AS aside,
           ruvector.healing_lambda_text(k.lambda, k.critical, k.stress, k.stress + k.margin)
             AS lambda_text,
           trim_scale((k.stress + k.margin)::numeric) AS back,
             trim_scale((k.critical + k.margin)::numeric) AS half_back,
           (ARRAY['normal', 'stress', 'critical'])[k.state + 1] AS state_name
      FROM ruvector.healing_judged(others, base, silence_seconds) k
      LEFT JOIN ruvector.healing_aside(others) d ON d.collection_id = k.collection_id
  )
  SELECT j.collection_id, j.verdict,
         CASE j.verdict
           -- By now: a pause has ended since.
           WHEN 'healthy' THEN ruvector.healing_well(j.lambda, j.critical, j.stress, j.margin)
           WHEN 'healing'
             THEN format('action %s (%s) is %s; lambda %s, state %s', j.action_id,
             j.action_strategy, j.action_state, coalesce(j.lambda_text, 'not known'), j.state_name)
           WHEN 'recovering'
             THEN format('lambda is %s; state %s is left once it has been above %s for %s s%s',
             j.lambda_text, j.state_name, j.back, j.hold,
             coalesce(', which it is since '
               || ruvector.healing_timestamp(to_timestamp((j.hysteresis ->>
               'above_stress_since')::float8)), ''))
           WHEN 'suspect' THEN format('lambda %s is below %s; not confirmed yet: %s', j.lambda_text,
             CASE WHEN j.lambda < j.critical THEN j.critical ELSE j.stress END,
             CASE WHEN j.lambda < j.critical AND (j.hysteresis ->> 'below_critical')::int > 0
                  THEN format('%s of the %s samples in a row that make it critical',
                    least((j.hysteresis ->> 'below_critical')::int, j.critical_samples),
                    j.critical_samples)
                  ELSE format('%s of the %s samples in a row that make it stress',
                    least((j.hysteresis ->> 'below_stress')::int, j.stress_samples),
                    j.stress_samples) END)
           WHEN 'unknown' THEN CASE
             WHEN NOT j.there THEN j.missing
             WHEN j.aside IS NOT NULL AND (j.passed_over OR j.state IS NULL OR NOT j.fresh)
               THEN ruvector.healing_words_seen(ruvector.healing_tenant_scope(), j.aside,
               'it is set aside') || CASE WHEN j.passed_over
               THEN '. To have it served at once: '
               || rtrim(ruvector.healing_resume_collection(format('%I.%I', j.schema_name,
               j.table_name)), ';') ELSE '' END
             WHEN j.state IS NULL
               THEN format('not sampled yet: %s', CASE WHEN condition = 'running'
               AND failed.message IS NOT NULL
               THEN 'its ticks fail'
               || coalesce(': ' || ruvector.healing_words_seen(ruvector.healing_tenant_scope(),
               failed.message, NULL), '')
               WHEN condition = 'running' THEN 'the next tick does'
                 ELSE clause END)
             WHEN NOT j.fresh
               THEN format('the last sample is of %s (lambda %s, state %s): %s',
               ruvector.healing_timestamp(j.sampled_at), coalesce(j.lambda_text, 'not known'),
               j.state_name, CASE WHEN condition <> 'running' THEN clause
                 WHEN failed.message IS NOT NULL
                   THEN 'its ticks fail'
                   || coalesce(': ' || ruvector.healing_words_seen(ruvector.healing_tenant_scope(),
                   failed.message, NULL), '')
                 WHEN held.sentence IS NOT NULL
                   THEN ruvector.healing_words_seen(ruvector.healing_tenant_scope(),
                   format('%s: %s', held.sentence,
                     regexp_replace(held.statement, E';\\s+--.*$', '')),
                   'another session holds it')
                 ELSE 'the loop has not come to it' END)
             ELSE 'lambda could not be read; what could not be measured is listed with the GRANT '
               'that would show it' END
           ELSE format('%s%s', CASE
               WHEN j.lambda IS NULL
                 THEN format('%s since %s; lambda is not known now', j.state_name,
                 ruvector.healing_timestamp(j.since))
               WHEN j.lambda >= j.stress
                 THEN format('lambda %s is better, and not well: state %s is left once it has '
                 'been above %s for %s s', j.lambda_text, j.state_name, j.back, j.hold)
               WHEN j.state = 2 AND j.lambda >= j.critical
                 THEN format('lambda %s is below %s; critical is left once it has been above '
                 '%s for %s s', j.lambda_text, j.stress, j.half_back, j.hold)
               ELSE format('lambda %s is below %s, state %s since %s', j.lambda_text,
                 CASE WHEN j.lambda < j.critical THEN j.critical
                 ELSE j.stress END, j.state_name, ruvector.healing_timestamp(j.since)) END,
             coalesce('; ' || CASE
               WHEN stands_still THEN regexp_replace(clause, '[:,.] .*$', '')
               WHEN j.action_state = 'awaiting_approval'
                 THEN format('action %s (%s) waits for approval', j.action_id, j.action_strategy)
               WHEN j.waits_for_window
                 THEN format('action %s (%s) waits for its maintenance window', j.action_id,
                 j.action_strategy)
               WHEN j.action_state = 'rolling_back'
                 THEN format('action %s (%s) is being undone', j.action_id, j.action_strategy)
               WHEN NOT j.enabled THEN 'healing is switched off'
               WHEN refused.reason IS NOT NULL THEN format('held back: %s', refused.reason) END,
                 '')) END,
         j.action_id, j.action_state, j.action_strategy
    FROM judged j
    -- The newest refusal in force is why nothing is done; that nothing has to be done is no reason.
    LEFT JOIN LATERAL (SELECT r.reason FROM ruvector.healing_refusals r
                        WHERE r.collection_id = j.collection_id AND r.closed_at IS NULL
                          AND r.reason <> 'healthy' AND j.verdict IN ('stress', 'critical')
                        ORDER BY r.last_at DESC LIMIT 1) refused ON true
    LEFT JOIN LATERAL (SELECT h.sentence, h.statement
      FROM ruvector.healing_holders(ARRAY[j.collection_id]) h
     WHERE j.verdict = 'unknown' AND NOT j.fresh LIMIT 1) held ON true
    -- Ticks of this collection that failed since its last sample.
    LEFT JOIN LATERAL (SELECT left(regexp_replace(t.message, E'\\s+', ' ', 'g'), 200) AS message
      FROM ruvector.healing_failed_tick(j.collection_id, j.sampled_at) t
     WHERE j.verdict = 'unknown' LIMIT 1) failed ON true;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_verdicts_by(integer[], jsonb, text, text, boolean,
  double precision) IS 'The verdict on each collection where settings and loop are known.';

-- Of some collections, or (NULL) of all.
CREATE OR REPLACE FUNCTION ruvector.healing_verdicts(wanted integer[] DEFAULT NULL)
RETURNS TABLE (collection_id integer, verdict text, sentence text, action_id bigint,
  action_state text, action_strategy text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  l record;
BEGIN
  SELECT o.condition, ruvector.healing_clause(o.sentence) AS clause, o.stands_still,
    o.silence_seconds INTO l FROM ruvector.healing_loop() o;
  RETURN QUERY SELECT v.* FROM ruvector.healing_verdicts_by(wanted, ruvector.healing_settings(0),
    l.condition, l.clause, l.stands_still, l.silence_seconds) v;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_verdicts(integer[])
  IS 'The verdict on each collection, with one sentence.';
