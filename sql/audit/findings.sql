-- What ruvector_healing_verify_audit() looks for. STABLE, all of it: one snapshot, or a chain that
-- grows meanwhile would look broken.

-- The links in (start_seq, end_seq], each recomputed from the columns. One pass over the index on
-- seq. Events are compared with their neighbours to say what was done to them: a stranger in
-- between, when the next one fits in its place; changed, when the next one follows from what it
-- was.
CREATE OR REPLACE FUNCTION ruvector.healing_audit_link_findings(start_seq bigint, start_hash bytea,
  end_seq bigint, chain_head ruvector.healing_audit_head)
RETURNS TABLE (events bigint, first_seq bigint, last_seq bigint, last_hash bytea, broken bigint,
  findings jsonb)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
BEGIN
  -- PL/pgSQL keeps the plan: each scrape of the metrics asks for the newest 100.
  RETURN QUERY WITH event AS (
    SELECT e.id, e.seq, e.hash, e.content_hash, ruvector.healing_event_hash(e) AS content
      FROM ruvector.healing_events e
     WHERE e.seq > start_seq AND e.seq <= end_seq
  ), placed AS (
    SELECT e.*, lag(e.id) OVER w AS before_id, lag(e.seq, 1, start_seq) OVER w AS before_seq,
           lag(e.hash, 1, start_hash) OVER w AS before_hash, lag(e.hash, 2, start_hash)
             OVER w AS before_that,
           coalesce(lead(e.hash) OVER w, CASE WHEN e.seq = (chain_head).seq
             THEN (chain_head).hash END) AS next_hash,
           lead(e.content_hash) OVER w AS next_content, lead(e.seq) OVER w AS next_seq
      FROM event e
    WINDOW w AS (ORDER BY e.seq)
  ), linked AS (
    SELECT p.*, ruvector.healing_audit_link(p.before_hash, p.seq, p.content_hash) AS wanted
      FROM placed p
  ), judged AS (
    SELECT l.*, CASE
        WHEN l.seq <> l.before_seq + 1 THEN 'missing'
        WHEN l.seq > (chain_head).seq THEN 'inserted'
        WHEN l.content IS DISTINCT FROM l.content_hash THEN 'changed'
        WHEN l.hash IS DISTINCT FROM l.wanted THEN CASE
          WHEN l.hash = ruvector.healing_audit_link(l.next_hash, l.seq + 1, l.content_hash)
            THEN 'out_of_order'
          WHEN l.next_hash = ruvector.healing_audit_link(l.before_hash, l.seq, l.next_content)
            THEN 'inserted'
          WHEN l.hash = ruvector.healing_audit_link(l.before_that, l.seq - 1, l.content_hash)
            THEN 'inserted before'
          WHEN l.next_seq IS NULL AND l.next_hash IN (l.hash, l.wanted) THEN 'changed'
          WHEN l.next_hash IN (ruvector.healing_audit_link(l.hash, l.next_seq, l.next_content),
            ruvector.healing_audit_link(l.wanted, l.next_seq, l.next_content)) THEN 'changed'
          ELSE 'out_of_order' END
      END AS problem
      FROM linked l
  ), one AS (
    SELECT count(*) AS events, min(j.seq) AS first_seq, max(j.seq) AS last_seq,
      count(j.problem) AS broken,
           jsonb_agg(jsonb_build_object(
             'seq', CASE j.problem WHEN 'missing' THEN j.before_seq + 1 WHEN 'inserted before'
               THEN j.before_seq ELSE j.seq END,
             'event_id', CASE j.problem WHEN 'missing' THEN NULL WHEN 'inserted before'
               THEN j.before_id ELSE j.id END,
             'problem', replace(j.problem, ' before', ''),
             'message', CASE j.problem
               WHEN 'missing' THEN format('%s missing before event %s (seq %s)',
                 CASE WHEN j.seq = j.before_seq + 2
                   THEN format('the event of seq %s is', j.before_seq + 1)
                      ELSE format('the events of seq %s to %s are', j.before_seq + 1, j.seq - 1)
                        END, j.id, j.seq)
               WHEN 'inserted' THEN CASE WHEN j.seq > (chain_head).seq
                 THEN format('event %s was added behind the head of the chain, which is seq %s',
                 j.id, (chain_head).seq)
                                         ELSE format('event %s was put into the chain: the one '
                                           'after it fits in its place', j.id) END
               WHEN 'inserted before'
                 THEN format('event %s was put into the chain before event %s, which fits '
                 'in its place', j.before_id, j.id)
               WHEN 'changed' THEN format('event %s was changed after it was written', j.id)
               ELSE format('event %s does not follow from the one before it: it was moved, or one '
                 'before it was removed', j.id)
             END) ORDER BY j.seq) FILTER (WHERE j.problem IS NOT NULL) AS findings
      FROM judged j
  )
  SELECT o.events, o.first_seq, o.last_seq, (SELECT e.hash FROM ruvector.healing_events e
    WHERE e.seq = o.last_seq), o.broken,
         coalesce(jsonb_path_query_array(o.findings, '$[0 to 19]'), '[]')
    FROM one o;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_audit_link_findings(bigint, bytea, bigint,
  ruvector.healing_audit_head)
  IS 'Recomputes the links of the hash chain and says where they break.';

-- Signatures over heads in [start_seq, end_seq]. which: all; last, the newest of each key and the
-- one the chain begins from; none. Whether they fit the chain is asked of all of them, in SQL; the
-- curve is computed in JavaScript, 20 signatures a call.
CREATE OR REPLACE FUNCTION ruvector.healing_audit_signature_findings(start_seq bigint,
  end_seq bigint, chain_head ruvector.healing_audit_head, which text)
RETURNS TABLE (signatures bigint, checked bigint, signed_seq bigint, findings jsonb)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  items jsonb;
  valid jsonb;
  place integer;
BEGIN
  WITH signed AS (
    SELECT s.seq, s.key_id, s.head, s.signature, s.signed_at, k.public_key, k.first_seq, k.last_seq,
           regexp_match(s.head,
             '^ruvector_healing audit v1 ([0-9]{1,18}) ([0-9a-f]{64}) [0-9T:.-]{26}Z$') AS parts,
           CASE WHEN s.seq = (chain_head).base_seq THEN (chain_head).base_hash
             ELSE e.hash END AS hash,
           row_number() OVER (PARTITION BY s.key_id ORDER BY s.seq DESC) AS age
      FROM ruvector.healing_audit_signatures s
      LEFT JOIN ruvector.healing_audit_keys k ON k.key_id = s.key_id
        AND k.key_id = ruvector.healing_audit_key_id(k.public_key)
      LEFT JOIN ruvector.healing_events e ON e.seq = s.seq
     WHERE s.seq BETWEEN start_seq AND end_seq
  ), judged AS (
    SELECT g.*, CASE
        WHEN g.public_key IS NULL THEN 'key_unknown'
        WHEN g.parts IS NULL OR g.parts[1] <> g.seq::text OR g.seq < g.first_seq
          OR g.seq > g.last_seq THEN 'signature_wrong'
        WHEN g.parts[2] <> encode(g.hash, 'hex') THEN 'rewritten'
      END AS problem
      FROM signed g
  )
  SELECT count(*), max(j.seq) FILTER (WHERE j.problem IS NULL),
         coalesce(jsonb_agg(jsonb_build_object('public_key', encode(j.public_key, 'hex'),
           'message', j.head, 'signature', encode(j.signature, 'hex'),
           'seq', j.seq, 'key_id', j.key_id) ORDER BY j.seq, j.key_id)
           FILTER (WHERE j.problem IS NULL
             AND (which = 'all'
               OR (which = 'last' AND (j.age = 1 OR j.seq = start_seq)))), '[]'),
         coalesce(jsonb_agg(jsonb_build_object('seq', j.seq, 'event_id', NULL, 'problem', j.problem,
           'message', CASE
             WHEN j.problem = 'key_unknown'
               THEN format('the signature of seq %s is by key %s, which is not among the '
               'registered ones', j.seq, j.key_id)
             WHEN j.problem = 'rewritten'
               THEN format('the hash of seq %s is not the one that key %s signed at %s: events up '
               'to it were changed and hashed anew',
               j.seq, j.key_id, ruvector.healing_timestamp(j.signed_at))
             WHEN j.seq < j.first_seq OR j.seq > j.last_seq
               THEN format('key %s signed seq %s, but is for %s to %s', j.key_id, j.seq,
               j.first_seq, coalesce(j.last_seq::text, 'now'))
             ELSE format('the signature of seq %s is over another text: %s', j.seq,
               left(j.head, 150)) END) ORDER BY j.seq, j.key_id)
           FILTER (WHERE j.problem IS NOT NULL), '[]')
    INTO signatures, signed_seq, items, findings
    FROM judged j;
  checked := jsonb_array_length(items);
  FOR part IN 0 .. (checked - 1) / 20 LOOP
    EXIT WHEN checked = 0;
    valid := ruvector.healing_ed25519_verify((SELECT jsonb_agg(i.item ORDER BY i.ordinality)
      FROM jsonb_array_elements(items) WITH ORDINALITY AS i (item)
                                               WHERE i.ordinality BETWEEN part * 20 + 1
                                                 AND part * 20 + 20));
    FOR place IN 0 .. jsonb_array_length(valid) - 1 LOOP
      IF NOT (valid -> place)::boolean THEN
        findings := findings || jsonb_build_array(jsonb_build_object(
          'seq', items -> (part * 20 + place) -> 'seq',
          'event_id', NULL, 'problem', 'signature_wrong',
          'message', format('the signature of seq %s is not one of key %s over its text',
            items -> (part * 20 + place) ->> 'seq', items -> (part * 20 + place) ->> 'key_id')));
      END IF;
    END LOOP;
  END LOOP;
  RETURN NEXT;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_audit_signature_findings(bigint, bigint,
  ruvector.healing_audit_head, text)
  IS 'Checks the signatures over the hash chain and says which are wrong.';

-- What surrounds the chain: its end against the head and the signatures, its beginning against the
-- checkpoint that retention left, keys against the events that introduced them, and events that are
-- not chained yet.
CREATE OR REPLACE FUNCTION ruvector.healing_audit_frame_findings(chain_head
  ruvector.healing_audit_head, last_seq bigint, last_hash bytea)
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH signed AS (
    SELECT s.seq, s.key_id, s.signed_at FROM ruvector.healing_audit_signatures s
      ORDER BY s.seq DESC LIMIT 1
  ), checkpoint AS (
    SELECT e.id, e.details FROM ruvector.healing_events e WHERE e.kind = 'audit_checkpoint'
      AND e.seq IS NOT NULL ORDER BY e.seq DESC LIMIT 1
  ), found (seq, event_id, problem, message) AS (
    SELECT last_seq + 1, NULL::bigint, 'tail_truncated',
      format('the events of seq %s to %s are missing at the end: the head of the chain is seq %s',
      last_seq + 1, (chain_head).seq, (chain_head).seq)
     WHERE last_seq < (chain_head).seq
    UNION ALL
    SELECT greatest(last_seq, (chain_head).seq) + 1, NULL, 'tail_truncated',
           format('the events of seq %s to %s are missing at the end: key %s signed seq %s at %s',
             greatest(last_seq, (chain_head).seq) + 1, s.seq, s.key_id, s.seq,
             ruvector.healing_timestamp(s.signed_at))
      FROM signed s WHERE s.seq > greatest(last_seq, (chain_head).seq)
    UNION ALL
    SELECT (chain_head).seq, NULL, 'head_changed',
      'the head of the chain holds another hash than its last event'
     WHERE last_seq = (chain_head).seq AND last_hash IS DISTINCT FROM (chain_head).hash
    UNION ALL
    SELECT (chain_head).base_seq, c.id, 'checkpoint_wrong',
      format('the chain begins after seq %s, which is not what the last checkpoint says',
      (chain_head).base_seq)
      FROM (SELECT) one LEFT JOIN checkpoint c ON true
     WHERE ((chain_head).base_seq > 0 OR c.id IS NOT NULL)
       AND (c.details ->> 'seq', c.details ->> 'hash')
         IS DISTINCT FROM ((chain_head).base_seq::text, encode((chain_head).base_hash, 'hex'))
    UNION ALL
    SELECT (chain_head).base_seq, NULL, 'checkpoint_wrong',
      format('the checkpoint of seq %s, where the chain begins, was signed, and its '
      'signature is gone', (chain_head).base_seq)
      FROM checkpoint c
     WHERE (c.details ->> 'signed')::boolean
       AND NOT EXISTS (SELECT FROM ruvector.healing_audit_signatures s
       WHERE s.seq = (chain_head).base_seq)
    UNION ALL
    SELECT k.first_seq, e.id, 'key_unknown',
      format('key %s is not the one that was introduced by seq %s', k.key_id, k.first_seq)
      FROM ruvector.healing_audit_keys k
      LEFT JOIN ruvector.healing_events e ON e.seq = k.first_seq
     WHERE k.first_seq > (chain_head).base_seq AND (e.kind, e.details ->> 'public_key')
       IS DISTINCT FROM ('audit_key', encode(k.public_key, 'hex'))
    UNION ALL
    SELECT NULL, e.id, 'changed',
      format('event %s, which is not in the chain yet, was changed after it was written', e.id)
      FROM ruvector.healing_events e
     WHERE e.seq IS NULL AND e.content_hash <> ruvector.healing_event_hash(e)
  )
  SELECT coalesce(jsonb_agg(to_jsonb(f) ORDER BY f.seq), '[]') FROM found f;
$function$;
COMMENT ON FUNCTION ruvector.healing_audit_frame_findings(ruvector.healing_audit_head, bigint,
  bytea) IS 'Checks both ends of the hash chain, its keys, and events that are not in it yet.';
