-- How a signer outside the database works: it asks for the head, checks that it extends what it
-- signed before, signs the text, hands the signature in. docs/audit.md has the bytes.

-- Hex or base64 of so many bytes, or (for a public key) the PEM that openssl writes.
CREATE OR REPLACE FUNCTION ruvector.healing_audit_bytes(value text, wanted integer, what text)
RETURNS bytea
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  plain text := regexp_replace(regexp_replace(coalesce(value, ''), '-----[A-Z ]{1,40}-----', '',
    'g'), E'\\s', '', 'g');
  data bytea;
BEGIN
  IF length(plain) = 2 * wanted AND plain ~ '^[0-9a-fA-F]+$' THEN
    RETURN decode(plain, 'hex');
  END IF;
  IF length(plain) BETWEEN 40 AND 100 AND plain ~ '^[A-Za-z0-9+/]+={0,2}$' AND length(plain) % 4 = 0
    THEN
    data := decode(plain, 'base64');
    -- SubjectPublicKeyInfo of an Ed25519 key: 12 bytes that never differ, then the key.
    IF wanted = 32 AND length(data) = 44
      AND substring(data FROM 1 FOR 12) = decode('302a300506032b6570032100', 'hex') THEN
      data := substring(data FROM 13);
    END IF;
    IF length(data) = wanted THEN
      RETURN data;
    END IF;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'RV001',
    MESSAGE = format('%s must be %s bytes, in hex or base64%s', what, wanted, CASE wanted WHEN 32
    THEN ', or PEM' ELSE '' END),
    DETAIL = format('Got %s.', coalesce(quote_literal(left(value, 150)), 'NULL')),
    HINT = CASE wanted WHEN 32
      THEN 'openssl genpkey -algorithm ed25519 -out audit.key; openssl pkey -in audit.key -pubout '
      'prints one as PEM.'
                       ELSE 'An Ed25519 signature has 64 bytes: 128 hex digits.' END;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_audit_bytes(text, integer, text)
  IS 'Reads a public key or a signature; RV001 when it is none.';

CREATE OR REPLACE FUNCTION public.ruvector_healing_audit_head()
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  head ruvector.healing_audit_head;
  active ruvector.healing_audit_keys;
  signed bigint;
  waiting record;
BEGIN
  PERFORM ruvector.healing_writable('audit_head');
  PERFORM ruvector.healing_audit_chain('1 s');
  SELECT h.* INTO head FROM ruvector.healing_audit_head h;
  SELECT k.* INTO active FROM ruvector.healing_audit_keys k WHERE k.retired_at IS NULL;
  SELECT max(s.seq) INTO signed FROM ruvector.healing_audit_signatures s
    WHERE s.key_id = active.key_id AND s.seq <= head.seq;
  SELECT count(*) AS count,
    extract(epoch FROM clock_timestamp() - min(e.at))::float8 AS seconds INTO waiting
    FROM ruvector.healing_events e WHERE e.seq IS NULL;
  RETURN jsonb_build_object(
    'head', ruvector.healing_audit_head_text(head.seq, head.hash), 'seq', head.seq,
      'hash', encode(head.hash, 'hex'),
    'key_id', active.key_id, 'held_by', active.held_by, 'signed_seq', signed,
    'unchained', waiting.count, 'unchained_seconds', waiting.seconds,
    'due', active.held_by = 'external' AND NOT ruvector.healing_audit_signed(active.key_id, head));
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_audit_head()
  IS 'The head of the audit chain, for a signer outside: signs the text "head" when "due": SELECT '
  'ruvector_healing_audit_head();';

CREATE OR REPLACE FUNCTION public.ruvector_healing_audit_links(after bigint DEFAULT 0,
  limit_ integer DEFAULT 10000)
RETURNS TABLE (seq bigint, content_hash text, hash text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  -- Arguments are checked first and by themselves: in a condition PostgreSQL 15 to 17 ask for each
  -- row, and not at all where there is none.
  SELECT ruvector.healing_limit(ruvector_healing_audit_links.limit_);
  SELECT e.seq, encode(e.content_hash, 'hex'), encode(e.hash, 'hex')
    FROM ruvector.healing_events e
   WHERE e.seq > coalesce(after, 0)
   ORDER BY e.seq
   LIMIT ruvector.healing_limit(limit_);
$function$;
COMMENT ON FUNCTION public.ruvector_healing_audit_links(bigint, integer)
  IS 'The hashes of the audit chain after a place: a signer folds them to see that the new head '
  'extends what it signed: SELECT * FROM ruvector_healing_audit_links(120);';

CREATE OR REPLACE FUNCTION public.ruvector_healing_audit_sign(head text, key_id text,
  signature text)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  parts text[] := regexp_match(head,
    '^ruvector_healing audit v1 ([0-9]{1,18}) ([0-9a-f]{64}) '
    '([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{6}Z)$');
  bytes bytea := ruvector.healing_audit_bytes(signature, 64, 'signature');
  again constant text := 'Take the text anew: SELECT ruvector_healing_audit_head() ->> ''head'';';
  key ruvector.healing_audit_keys;
  wanted bytea;
  at timestamptz;
BEGIN
  PERFORM ruvector.healing_writable('audit_sign');
  IF parts IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'RV042',
      MESSAGE = 'that is not the text of a head of the audit chain',
      DETAIL = format('Got %s.', coalesce(quote_literal(left(head, 200)), 'NULL')), HINT = again;
  END IF;
  SELECT k.* INTO key FROM ruvector.healing_audit_keys k
    WHERE k.key_id = ruvector_healing_audit_sign.key_id;
  IF key.key_id IS NULL OR key.held_by <> 'external' OR parts[1]::bigint < key.first_seq
    OR parts[1]::bigint > key.last_seq THEN
    RAISE EXCEPTION USING ERRCODE = 'RV041', MESSAGE = format('key %s may not sign this head',
      coalesce(quote_literal(left(key_id, 100)), 'NULL')),
      DETAIL = CASE WHEN key.key_id IS NULL THEN 'It is not registered.'
        WHEN key.held_by <> 'external'
        THEN 'It is held by the database, which signs with it itself.'
                    ELSE format('It signs seq %s to %s; this is %s.', key.first_seq,
                      coalesce(key.last_seq::text, 'now'), parts[1]) END,
      HINT = 'An administrator registers a public key with SELECT '
        'ruvector_healing_audit_rotate_key(''<public key>''); ruvector_healing_audit_head() names '
        'the key that signs now.';
  END IF;
  SELECT CASE WHEN h.base_seq = parts[1]::bigint THEN h.base_hash ELSE (SELECT e.hash
    FROM ruvector.healing_events e WHERE e.seq = parts[1]::bigint) END
    INTO wanted FROM ruvector.healing_audit_head h;
  IF wanted IS NULL OR encode(wanted, 'hex') <> parts[2] THEN
    RAISE EXCEPTION USING ERRCODE = 'RV042',
      MESSAGE = format('the audit chain has no such head at seq %s', parts[1]),
      DETAIL = format('The hash there is %s; the text says %s.',
        coalesce(encode(wanted, 'hex'), 'unknown'), parts[2]), HINT = again;
  END IF;
  BEGIN
    at := parts[3]::timestamptz;
  EXCEPTION WHEN datetime_field_overflow OR invalid_datetime_format THEN
    at := NULL;
  END;
  IF at IS NULL OR at NOT BETWEEN clock_timestamp() - interval '1 hour'
    AND clock_timestamp() + interval '1 minute' THEN
    RAISE EXCEPTION USING ERRCODE = 'RV042',
      MESSAGE = 'the time in the head is not of the last hour',
      DETAIL = format('It says %s; it is %s.', parts[3], clock_timestamp()), HINT = again;
  END IF;
  IF NOT (ruvector.healing_ed25519_verify(jsonb_build_array(jsonb_build_object(
            'public_key', encode(key.public_key, 'hex'), 'message', head,
              'signature', encode(bytes, 'hex')))) -> 0)::boolean THEN
    RAISE EXCEPTION USING ERRCODE = 'RV040',
      MESSAGE = format('the signature is not one of key %s over this text', key.key_id),
      DETAIL = format('Signature %s.', encode(bytes, 'hex')),
      HINT = 'Sign the bytes of the text exactly as they are, with Ed25519 (RFC 8032) and no line '
        'end: docs/audit.md.';
  END IF;
  INSERT INTO ruvector.healing_audit_signatures AS s (seq, key_id, head, signature)
  VALUES (parts[1]::bigint, key.key_id, ruvector_healing_audit_sign.head, bytes)
  ON CONFLICT ON CONSTRAINT healing_audit_signatures_pkey
  DO UPDATE SET head = excluded.head, signature = excluded.signature,
    signed_at = excluded.signed_at;
  RETURN jsonb_build_object('accepted', true, 'seq', parts[1]::bigint, 'key_id', key.key_id);
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_audit_sign(text, text, text)
  IS 'A signer outside hands in its Ed25519 signature over the text of a head: SELECT '
  'ruvector_healing_audit_sign(''ruvector_healing audit v1 ...'', ''<key_id>'', ''<hex>'');';

CREATE OR REPLACE FUNCTION public.ruvector_healing_audit_rotate_key(public_key text DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  external bytea := CASE WHEN public_key IS NOT NULL
    THEN ruvector.healing_audit_bytes(public_key, 32, 'public_key') END;
  old text := (SELECT k.key_id FROM ruvector.healing_audit_keys k WHERE k.retired_at IS NULL);
  one ruvector.healing_audit_keys;
BEGIN
  PERFORM ruvector.healing_writable('audit_rotate_key');
  IF EXISTS (SELECT FROM ruvector.healing_audit_keys k
    WHERE k.key_id = ruvector.healing_audit_key_id(external)) THEN
    RAISE EXCEPTION USING ERRCODE = 'RV041', MESSAGE = format('key %s was registered before',
      ruvector.healing_audit_key_id(external)),
      DETAIL = format('Public key %s.', encode(external, 'hex')),
        HINT = 'A key signs one stretch of the chain: make a new one.';
  END IF;
  one := ruvector.healing_audit_new_key(external, format('rotated by %s', session_user));
  RETURN jsonb_build_object('key_id', one.key_id, 'public_key', encode(one.public_key, 'hex'),
    'held_by', one.held_by, 'from_seq', one.first_seq, 'replaces', old);
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_audit_rotate_key(text)
  IS 'A new key of the database signs the audit chain from now on, or a signer outside whose '
  'public key is given: SELECT ruvector_healing_audit_rotate_key();';
