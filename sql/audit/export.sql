-- Everything an outsider needs to verify, one JSON object a line: where the chain begins, the keys,
-- the events with the very text that their hash covers, the signatures.
CREATE OR REPLACE FUNCTION public.ruvector_healing_audit_export()
RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT l.line
    FROM (
      SELECT 1 AS part, 0::bigint AS seq, json_build_object('base', h.base_seq,
        'hash', encode(h.base_hash, 'hex'))::text AS line FROM ruvector.healing_audit_head h
      UNION ALL
      SELECT 2, k.first_seq, json_build_object('key', k.key_id,
        'public_key', encode(k.public_key, 'hex'))::text FROM ruvector.healing_audit_keys k
      UNION ALL
      SELECT 3, e.seq, json_build_object('seq', e.seq, 'text', ruvector.healing_event_text(e),
        'hash', encode(e.hash, 'hex'))::text FROM ruvector.healing_events e WHERE e.seq IS NOT NULL
      UNION ALL
      SELECT 4, s.seq, json_build_object('head', s.head, 'key', s.key_id,
        'signature', encode(s.signature, 'hex'))::text FROM ruvector.healing_audit_signatures s
    ) l
   ORDER BY l.part, l.seq;
$function$;
COMMENT ON FUNCTION public.ruvector_healing_audit_export()
  IS 'The audit trail as JSON lines, for a verifier outside: psql -AtqX -c "SELECT '
  'ruvector_healing_audit_export()" > audit.jsonl';
