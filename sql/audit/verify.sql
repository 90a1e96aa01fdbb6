-- Reads only: for a viewer, on a standby, in a read-only transaction.
CREATE OR REPLACE FUNCTION ruvector.healing_verify_audit(from_ bigint, to_ bigint, signatures text)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  head ruvector.healing_audit_head;
  start_seq bigint;
  start_hash bytea;
  end_seq bigint;
  links record;
  signed record;
  tail record;
  findings jsonb;
  broken bigint;
BEGIN
  IF from_ < 1 OR to_ < from_ OR to_ < 1 OR signatures IS NULL
    OR signatures NOT IN ('all', 'last', 'none') THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001',
      MESSAGE = 'from_ and to_ are places in the chain (seq, from 1), and signatures is one of: '
      'all, last, none',
      DETAIL = format('Got from_ %s, to_ %s, signatures %s.', coalesce(from_::text, 'NULL'),
        coalesce(to_::text, 'NULL'), coalesce(quote_literal(left(signatures, 100)), 'NULL')),
      HINT = 'SELECT jsonb_pretty(ruvector_healing_verify_audit()); checks everything.';
  END IF;
  SELECT count(*) AS count, ruvector.healing_timestamp(min(e.at)) AS oldest INTO tail
    FROM ruvector.healing_events e WHERE e.seq IS NULL;
  SELECT h.* INTO head FROM ruvector.healing_audit_head h;
  IF head.seq IS NULL THEN
    head.seq := 0;
    head.base_seq := 0;
    head.hash := decode(repeat('00', 32), 'hex');
    head.base_hash := head.hash;
  END IF;
  -- From the last event before the range that is there, or from where the chain begins.
  SELECT e.seq, e.hash INTO start_seq, start_hash FROM ruvector.healing_events e WHERE e.seq < from_
    AND e.seq > head.base_seq ORDER BY e.seq DESC LIMIT 1;
  IF start_seq IS NULL THEN
    start_seq := head.base_seq;
    start_hash := head.base_hash;
  END IF;
  end_seq := coalesce(to_, 9223372036854775807);
  SELECT f.* INTO links
    FROM ruvector.healing_audit_link_findings(start_seq, start_hash, end_seq, head) f;
  SELECT f.* INTO signed
    FROM ruvector.healing_audit_signature_findings(start_seq, end_seq, head, signatures) f;
  findings := links.findings || signed.findings;
  broken := links.broken + jsonb_array_length(signed.findings);
  IF from_ IS NULL AND to_ IS NULL THEN
    findings := findings || ruvector.healing_audit_frame_findings(head,
      coalesce(links.last_seq, head.base_seq), coalesce(links.last_hash, head.base_hash));
    broken := broken + jsonb_array_length(findings) - jsonb_array_length(links.findings)
      - jsonb_array_length(signed.findings);
  -- A stretch whose events are gone, up to its end, has no event that would not follow.
  ELSIF least(end_seq, head.seq) >= greatest(from_, head.base_seq + 1)
    AND least(end_seq, head.seq) > coalesce(links.last_seq, start_seq) THEN
    findings := findings || jsonb_build_array(jsonb_build_object(
      'seq', coalesce(links.last_seq, start_seq) + 1, 'event_id', NULL, 'problem', 'missing',
      'message', format('what is of seq %s to %s is missing: the head of the chain is seq %s',
        coalesce(links.last_seq, start_seq) + 1, least(end_seq, head.seq), head.seq)));
    broken := broken + 1;
  END IF;
  -- Of the same place, what was done to the event comes before what follows from it.
  SELECT coalesce(jsonb_agg(o.item), '[]') INTO findings
    FROM (SELECT f.item FROM jsonb_array_elements(findings) WITH ORDINALITY AS f (item)
      ORDER BY (f.item ->> 'seq')::bigint, f.ordinality LIMIT 20) o;
  RETURN jsonb_build_object(
    'intact', broken = 0,
    'message', CASE
      WHEN broken > 0
        THEN format('Broken, first at seq %s: %s.', coalesce(findings -> 0 ->> 'seq', '(none)'),
        findings -> 0 ->> 'message')
      WHEN links.events = 0 AND tail.count = 0 THEN 'There are no events to verify.'
      WHEN links.events = 0 AND from_ IS NULL
        AND to_ IS NULL
        THEN format('None of the %s events is in the chain yet, the oldest since %s: nothing is '
        'proven of them.', tail.count, tail.oldest)
      WHEN links.events = 0 THEN 'There are no events to verify.'
      ELSE format('%s events, seq %s to %s, are intact; %s.', links.events, links.first_seq,
        links.last_seq,
        CASE WHEN signatures = 'none' THEN 'signatures were not checked'
        WHEN signed.signed_seq IS NULL THEN 'none is signed yet'
        WHEN signed.signed_seq >= links.last_seq THEN 'all are signed'
        ELSE format('signed up to seq %s', signed.signed_seq) END)
        -- An event without a place can be deleted without a trace in the chain.
        || CASE WHEN tail.count > 0 AND to_ IS NULL
                THEN format(' %s %s not in the chain yet, the oldest since %s: nothing is '
                  'proven of %s.', tail.count,
                            CASE tail.count WHEN 1 THEN 'event is'
                              ELSE 'events are' END, tail.oldest, CASE tail.count WHEN 1 THEN 'it'
                              ELSE 'them' END)
                ELSE '' END END,
    'broken', CASE WHEN broken > 0 THEN findings -> 0 END,
    'findings', findings,
    'findings_total', broken,
    'events', links.events, 'first_seq', links.first_seq, 'last_seq', links.last_seq,
    'signatures', signed.signatures, 'signatures_checked', signed.checked,
      'signed_seq', signed.signed_seq,
    'unchained', tail.count, 'unchained_since', tail.oldest,
    'head', jsonb_build_object('seq', head.seq, 'hash', encode(head.hash, 'hex')),
    'checkpoint', CASE WHEN head.base_seq > 0
      THEN jsonb_build_object('seq', head.base_seq, 'hash', encode(head.base_hash, 'hex'),
      'at', ruvector.healing_timestamp(head.base_at)) END,
    'keys', coalesce((SELECT jsonb_agg(jsonb_build_object('key_id', k.key_id,
      'public_key', encode(k.public_key, 'hex'), 'held_by', k.held_by,
                               'first_seq', k.first_seq, 'last_seq', k.last_seq)
                                 ORDER BY k.first_seq) FROM ruvector.healing_audit_keys k), '[]'));
END
$function$;
COMMENT ON FUNCTION ruvector.healing_verify_audit(bigint, bigint, text)
  IS 'What ruvector_healing_verify_audit() answers.';

CREATE OR REPLACE FUNCTION public.ruvector_healing_verify_audit(from_ bigint DEFAULT NULL,
  to_ bigint DEFAULT NULL, signatures text DEFAULT 'all')
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT ruvector.healing_verify_audit(from_, to_, signatures);
$function$;
COMMENT ON FUNCTION public.ruvector_healing_verify_audit(bigint, bigint, text)
  IS 'Whether the events are as they were written, and if not, the first broken one: SELECT '
  'jsonb_pretty(ruvector_healing_verify_audit());';
