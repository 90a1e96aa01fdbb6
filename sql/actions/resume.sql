-- Plain SQL: it decides nothing, and has to work where JavaScript is what fails.
CREATE OR REPLACE FUNCTION public.ruvector_healing_resume(strategy text DEFAULT NULL,
  collection text DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off SET jit = off
AS $function$
DECLARE
  wanted integer;
  name text;
  lifted jsonb;
  rests record;
  said text;
BEGIN
  PERFORM ruvector.healing_writable('ruvector_healing_resume');
  -- Without a strategy: the collection itself.
  IF strategy IS NULL AND collection IS NOT NULL THEN
    RETURN ruvector.healing_turn_resume(ruvector.healing_collection(collection));
  END IF;
  IF NOT EXISTS (SELECT FROM ruvector.healing_strategies() s
    WHERE s.name = ruvector_healing_resume.strategy) THEN
    RAISE EXCEPTION USING ERRCODE = 'RV004', MESSAGE = 'there is no strategy of that name',
      DETAIL = format('Got %s.', coalesce(quote_literal(left(strategy, 200)), 'NULL')),
      HINT = (SELECT coalesce('The nearest is ' || ruvector.healing_nearest(strategy,
          array_agg(s.name)) || '. ', '')
          || 'Strategies: ' || string_agg(s.name, ', ' ORDER BY s.name) || '.'
        FROM ruvector.healing_strategies() s);
  END IF;
  IF collection IS NOT NULL THEN
    wanted := ruvector.healing_collection(collection);
    SELECT format('%I.%I', c.schema_name, c.table_name) INTO name FROM ruvector.collections c
      WHERE c.collection_id = wanted;
  END IF;
  SELECT jsonb_agg(jsonb_build_object('kind', s.kind, 'problem_class', s.problem_class,
    'reason', s.reason, 'until', ruvector.healing_timestamp(s.until)) ORDER BY s.until DESC)
    INTO lifted
    FROM ruvector.healing_suspended(coalesce(wanted, 0)) s
   WHERE s.strategy_name = strategy AND s.everywhere = (wanted IS NULL);
  -- Also where nothing is suspended: what failed so far does not count any more, and a strategy of
  -- weight 0 gets another try.
  INSERT INTO ruvector.healing_suspensions (collection_id, strategy_name, kind, reason)
    VALUES (wanted, strategy, 'resumed', 'a person had it resumed');
  said := format('%s may be tried again %s%s', strategy, coalesce('on ' || name, 'everywhere'),
    CASE WHEN lifted IS NULL THEN '; it was not suspended' END);
  -- What is lifted everywhere is what rests everywhere: a rest on one collection is another, and
  -- the other way round. Three are named; the statement is for the one that rests for longest.
  SELECT string_agg(format('%s until %s: %s', coalesce('on ' || r.place, 'everywhere'),
      ruvector.healing_timestamp(r.until), r.reason), '; ' ORDER BY r.nth) AS texts,
    max(r.all_) - count(*) AS more, min(r.lifts) FILTER (WHERE r.nth = 1) AS lifts
    INTO rests
    FROM (
      SELECT s.until, s.reason, p.place, row_number() OVER w AS nth, count(*) OVER () AS all_,
        ruvector.healing_resume_statement(strategy, p.place) AS lifts
        FROM ruvector.collections c
       CROSS JOIN ruvector.healing_suspended(c.collection_id) s
       CROSS JOIN LATERAL (SELECT CASE WHEN NOT s.everywhere
         THEN format('%I.%I', c.schema_name, c.table_name) END AS place) p
       WHERE s.strategy_name = strategy AND (wanted IS NULL OR c.collection_id = wanted)
      WINDOW w AS (ORDER BY s.until DESC, c.collection_id)
    ) r
   WHERE r.nth <= 3;
  IF rests.texts IS NOT NULL THEN
    said := format('%s still rests%s: %s%s. %s lifts that', strategy,
      CASE WHEN lifted IS NULL THEN ', nothing was lifted' END, rests.texts,
      CASE WHEN rests.more > 0 THEN format('; and %s more', rests.more) END, rests.lifts);
  END IF;
  INSERT INTO ruvector.healing_events (collection_id, collection, kind, message, details)
  VALUES (wanted, name, 'strategy_resumed', said, jsonb_build_object('strategy', strategy,
    'lifted', coalesce(lifted, '[]')));
  RETURN jsonb_build_object('strategy', strategy, 'collection', name,
    'lifted', coalesce(lifted, '[]'), 'message', said);
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_resume(text, text)
  IS 'Lifts the suspension of a strategy on a collection, or (without one) everywhere; without a '
  'strategy, has a collection served again that was set aside: SELECT '
  'ruvector_healing_resume(''rebalance_partitions'', ''embeddings'');';
