-- The report in words, a line a row. Times are of the reader's time zone, which the first line
-- names.
CREATE OR REPLACE FUNCTION ruvector.healing_report_lines(report jsonb)
RETURNS SETOF text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH sensed AS (
    SELECT s.d, s.n FROM jsonb_array_elements(report -> 'sensed') WITH ORDINALITY s(d, n)
  ), ill AS (
    SELECT d, n, (d ->> 'stress_seconds')::float8 + (d ->> 'critical_seconds')::float8 AS below
      FROM sensed
     WHERE (d ->> 'falls')::int > 0 OR (d ->> 'stress_seconds')::float8 > 0
        OR (d ->> 'critical_seconds')::float8 > 0 OR d ->> 'verdict' <> 'healthy'
  ), actions AS (
    SELECT a.d, a.n, to_char((a.d ->> 'created_at')::timestamptz, 'Dy DD Mon HH24:MI') AS at,
           format('action %s, %s on %s', a.d ->> 'action_id', a.d ->> 'strategy',
             ruvector.healing_printable(a.d ->> 'collection')) AS title,
           CASE WHEN a.d ->> 'state' = 'awaiting_approval' THEN 2
             WHEN a.d ->> 'state' IN ('rolled_back', 'rollback_failed', 'aborted', 'failed',
               'expired') THEN 4 ELSE 3 END AS part
      FROM jsonb_array_elements(report -> 'actions') WITH ORDINALITY a(d, n)
  ), total AS (
    SELECT t.* FROM jsonb_to_record(report -> 'totals') t(actions bigint, succeeded bigint,
      undone bigint, failed bigint, waiting bigint, rows bigint, rows_undone bigint, bytes bigint,
      wal_bytes bigint, work_seconds float8, lease_seconds float8, steps bigint,
      median_recovery_seconds float8)
  ), lines(part, place, sub, line) AS (
    SELECT 0, 0::bigint, 0, format('From %s to %s (%s%s), %s.',
      to_char((report ->> 'since')::timestamptz, 'Dy DD Mon YYYY HH24:MI'),
      to_char((report ->> 'until')::timestamptz, 'Dy DD Mon YYYY HH24:MI TZ'),
      ruvector.healing_span(extract(epoch FROM (report ->> 'until')::timestamptz
        - (report ->> 'since')::timestamptz)::float8),
      CASE WHEN (report ->> 'all_kept')::boolean THEN ', all that is kept' ELSE '' END,
      ruvector.healing_many((SELECT count(*) FROM sensed), 'collection'))
    UNION ALL
    SELECT 0, 2, 0, report #>> '{loop,sentence}' WHERE (report #>> '{loop,stands_still}')::boolean
    UNION ALL
    SELECT 1, 0, 0, 'What was sensed'
    UNION ALL
    SELECT 1, 1, 0, '  Every collection was healthy all the time.'
     WHERE NOT EXISTS (SELECT FROM ill) AND EXISTS (SELECT FROM sensed)
    UNION ALL
    SELECT 1, 1, 0, CASE WHEN ruvector.healing_tenant_scope() IS NULL
        THEN '  No collection is registered.'
        ELSE '  No collection of your tenants is registered; others are not shown.' END
     WHERE NOT EXISTS (SELECT FROM sensed)
    UNION ALL
    SELECT 1, 1 + i.n, 0, format(CASE WHEN i.d ->> 'lowest_lambda' IS NULL
        THEN '  %1$s: lambda was not measured%4$s. Now %5$s.'
        ELSE '  %1$s: %2$s; lambda down to %3$s%4$s. Now %5$s.' END,
      ruvector.healing_printable(i.d ->> 'collection'),
      CASE WHEN i.below = 0 THEN 'never below its thresholds for long'
        ELSE concat_ws(', ',
          'below its thresholds for ' || ruvector.healing_span(i.below)
            || CASE WHEN (i.d ->> 'falls')::int > 1 THEN format(' in %s times', i.d ->> 'falls')
               ELSE '' END,
          'critical for ' || ruvector.healing_span(
            nullif((i.d ->> 'critical_seconds')::float8, 0))) END,
      trim_scale(round((i.d ->> 'lowest_lambda')::numeric, 2)),
      coalesce(' (' || (SELECT string_agg(c, ', ' ORDER BY c)
        FROM jsonb_array_elements_text(i.d -> 'problem_classes') c) || ')', ''),
      i.d ->> 'verdict') FROM ill i
    UNION ALL
    SELECT 2, 0, 0, 'What waits for you' WHERE EXISTS (SELECT FROM actions WHERE part = 2)
    UNION ALL
    SELECT 3, 0, 0, 'What was done' WHERE EXISTS (SELECT FROM actions WHERE part = 3)
    UNION ALL
    SELECT a.part, a.n, 0, format('  %s  %s: %s', a.at, a.title, CASE a.d ->> 'state'
        WHEN 'succeeded' THEN format('helped, lambda %s -> %s',
          trim_scale(round((a.d ->> 'initial_lambda')::numeric, 2)),
          trim_scale(round((a.d ->> 'final_lambda')::numeric, 2)))
          || CASE WHEN (a.d ->> 'verified')::boolean THEN ', verified' ELSE '' END
        WHEN 'awaiting_approval'
          THEN format('SELECT ruvector_healing_approve(%s);', a.d ->> 'action_id')
        ELSE format('%s now', replace(a.d ->> 'state', '_', ' ')) END)
      FROM actions a WHERE a.part < 4
    UNION ALL
    SELECT 4, 0, 0, 'What was undone or came to nothing'
     WHERE EXISTS (SELECT FROM actions WHERE part = 4)
    UNION ALL
    SELECT 4, a.n, 0, format('  %s  %s: %s', a.at, a.title, replace(a.d ->> 'state', '_', ' '))
      FROM actions a WHERE a.part = 4
    UNION ALL
    SELECT a.part, a.n, 1, '    why: '
        || ruvector.healing_printable(a.d ->> 'summary')
      FROM actions a WHERE a.d ->> 'summary' <> ''
    UNION ALL
    SELECT 4, a.n, 2, '    then: ' || ruvector.healing_printable(a.d ->> 'message')
      FROM actions a WHERE a.part = 4 AND a.d ->> 'message' <> ''
    UNION ALL
    SELECT a.part, a.n, 3, '    took: ' || concat_ws(', ',
        'begun ' || ruvector.healing_span((a.d ->> 'noticed_after_seconds')::float8)
          || ' after the fall',
        'waited ' || ruvector.healing_span((a.d ->> 'asked_seconds')::float8) || ' for approval'
          || coalesce(' (' || ruvector.healing_printable(a.d ->> 'approved_by') || ')', ''),
        ruvector.healing_span((a.d ->> 'work_seconds')::float8) || ' at work',
        ruvector.healing_span((a.d ->> 'undo_seconds')::float8) || ' undoing',
        'lent for ' || ruvector.healing_span((a.d ->> 'lease_seconds')::float8),
        ruvector.healing_span((a.d ->> 'duration_seconds')::float8) || ' in all')
      FROM actions a
    UNION ALL
    SELECT a.part, a.n, 4, '    cost: ' || concat_ws(', ',
        nullif(ruvector.healing_many((a.d ->> 'rows')::bigint, 'row'), '0 rows'),
        CASE WHEN (a.d ->> 'rows_undone')::bigint > 0 THEN
          ruvector.healing_many((a.d ->> 'rows_undone')::bigint, 'row') || ' moved back' END,
        nullif(pg_size_pretty((a.d ->> 'bytes')::bigint), '0 bytes') || ' written',
        nullif(pg_size_pretty((a.d ->> 'wal_bytes')::bigint + (a.d ->> 'undo_wal_bytes')::bigint),
          '0 bytes') || ' of log')
      FROM actions a
     WHERE (a.d ->> 'rows')::bigint + (a.d ->> 'bytes')::bigint + (a.d ->> 'wal_bytes')::bigint > 0
    UNION ALL
    SELECT a.part, a.n, 5, '    locks: '
        || ruvector.healing_printable((SELECT string_agg(k, '; ')
          FROM jsonb_array_elements_text(a.d -> 'locks') k))
      FROM actions a WHERE jsonb_array_length(a.d -> 'locks') > 0
    UNION ALL
    SELECT 5, 0, 0, 'What was held back' WHERE jsonb_array_length(report -> 'held_back') > 0
      OR jsonb_array_length(report -> 'foreseen') > 0
    UNION ALL
    SELECT 5, f.n, 0, format('  %s: %s would have begun (mode %s)%s%s',
        ruvector.healing_printable(f.d ->> 'collection'), f.d ->> 'strategy', f.d ->> 'mode',
        CASE WHEN (f.d ->> 'times')::int > 1 THEN format(', %s times', f.d ->> 'times') ELSE '' END,
        coalesce('; it still would: ' || (f.d ->> 'statement'), ''))
      FROM jsonb_array_elements(report -> 'foreseen') WITH ORDINALITY f(d, n)
    UNION ALL
    SELECT 5, 1000 + h.n, 0, format('  %s: %s, %s%s: %s',
        ruvector.healing_printable(h.d ->> 'collection'), h.d ->> 'reason',
        ruvector.healing_many((h.d ->> 'count')::bigint, 'evaluation'),
        CASE WHEN (h.d ->> 'open')::boolean THEN ', still' ELSE '' END,
        ruvector.healing_printable(h.d ->> 'message'))
      FROM jsonb_array_elements(report -> 'held_back') WITH ORDINALITY h(d, n)
    UNION ALL
    SELECT 6, 0, 0, 'What it cost' WHERE EXISTS (SELECT FROM actions)
    UNION ALL
    SELECT 6, 1, 0, '  ' || concat_ws(', ', ruvector.healing_many(t.actions, 'action'),
        ruvector.healing_many(t.rows, 'row') || ' moved' || CASE WHEN t.rows_undone > 0
          THEN ' (and ' || to_char(t.rows_undone, 'FM999,999,999,999') || ' back)' ELSE '' END,
        pg_size_pretty(t.wal_bytes) || ' of log')
        || CASE WHEN t.steps > 0 THEN format('. Locks in %s, together no longer than the %s at '
          'work.', ruvector.healing_many(t.steps, 'short step'),
          ruvector.healing_span(t.work_seconds)) ELSE '.' END
      FROM total t WHERE t.actions > 0
    UNION ALL
    SELECT 6, 2, 0, '  Well again ' || ruvector.healing_span(t.median_recovery_seconds)
        || ' after the fall (median).'
      FROM total t WHERE t.median_recovery_seconds IS NOT NULL
    UNION ALL
    SELECT 7, 0, 0, 'What a person would have had to do'
     WHERE EXISTS (SELECT FROM actions WHERE d ->> 'by_hand' IS NOT NULL)
    UNION ALL
    SELECT 7, a.n, 0, format('  %s: see it, find %s; %s.', a.at,
        ruvector.healing_printable(a.d ->> 'problem_class'), a.d ->> 'by_hand')
      FROM actions a WHERE a.d ->> 'by_hand' IS NOT NULL
    UNION ALL
    SELECT 8, 0, 0, 'What else was changed or said'
     WHERE jsonb_array_length(report -> 'events') > 0
    UNION ALL
    SELECT 8, e.n, 0, format('  %s  %s (%s)',
        to_char((e.d ->> 'at')::timestamptz, 'Dy DD Mon HH24:MI'),
        ruvector.healing_printable(e.d ->> 'message'), ruvector.healing_printable(e.d ->> 'actor'))
      FROM jsonb_array_elements(report -> 'events') WITH ORDINALITY e(d, n)
  )
  SELECT w.piece FROM (
    SELECT l.part, l.place, l.sub, l.line FROM lines l
    UNION ALL
    SELECT DISTINCT l.part, -1::bigint, 0, '' FROM lines l WHERE l.part > 0) every
   CROSS JOIN LATERAL ruvector.healing_wrapped(every.line) w
   ORDER BY every.part, every.place, every.sub, w.place;
$function$;
COMMENT ON FUNCTION ruvector.healing_report_lines(jsonb) IS 'The report in words, a line a row.';
