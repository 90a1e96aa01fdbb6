-- Signing the head of the chain with the key that the database holds.

CREATE OR REPLACE FUNCTION ruvector.healing_audit_private_key()
RETURNS bytea
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  secret bytea;
BEGIN
  IF (SELECT c.relispopulated FROM pg_class c
    WHERE c.oid = 'ruvector.healing_audit_secret'::regclass) THEN
    SELECT s.secret INTO secret FROM ruvector.healing_audit_secret s;
  END IF;
  RETURN secret;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_audit_private_key()
  IS 'The private key, NULL when there is none here.';

CREATE OR REPLACE FUNCTION ruvector.healing_audit_key_id(public_key bytea)
RETURNS text
LANGUAGE sql IMMUTABLE
AS $function$
  SELECT pg_catalog.left(pg_catalog.encode(pg_catalog.sha256(public_key), 'hex'), 16);
$function$;
COMMENT ON FUNCTION ruvector.healing_audit_key_id(bytea) IS 'Short name of a public key.';

-- The text that is signed.
CREATE OR REPLACE FUNCTION ruvector.healing_audit_head_text(seq bigint, hash bytea)
RETURNS text
LANGUAGE sql VOLATILE
AS $function$
  SELECT pg_catalog.format('ruvector_healing audit v1 %s %s %s', seq,
    pg_catalog.encode(hash, 'hex'),
                           pg_catalog.to_char(pg_catalog.clock_timestamp() AT TIME ZONE 'UTC',
                             'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'));
$function$;
COMMENT ON FUNCTION ruvector.healing_audit_head_text(bigint, bytea)
  IS 'What an Ed25519 signature covers: ruvector_healing audit v1 <seq> <hash> <time>.';

-- By its own row, not by the largest seq there is: a made-up one must not end the signing.
CREATE OR REPLACE FUNCTION ruvector.healing_audit_signed(key_id text,
  head ruvector.healing_audit_head)
RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT EXISTS (SELECT FROM ruvector.healing_audit_signatures s
                  WHERE s.key_id = healing_audit_signed.key_id
                    AND s.seq = (healing_audit_signed.head).seq
                    AND starts_with(s.head, format('ruvector_healing audit v1 %s %s ',
                      (healing_audit_signed.head).seq, encode((healing_audit_signed.head).hash,
                      'hex'))));
$function$;
COMMENT ON FUNCTION ruvector.healing_audit_signed(text, ruvector.healing_audit_head)
  IS 'Whether a key has signed this very head.';

CREATE OR REPLACE FUNCTION ruvector.healing_audit_sign_with(key_id text, secret bytea, seq bigint,
  hash bytea)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  head text := ruvector.healing_audit_head_text(seq, hash);
BEGIN
  INSERT INTO ruvector.healing_audit_signatures (seq, key_id, head, signature)
  VALUES (healing_audit_sign_with.seq, healing_audit_sign_with.key_id, head,
    ruvector.healing_ed25519_sign(secret, head))
  -- A row that somebody made up for this place does not stay in the way of the real one.
  ON CONFLICT ON CONSTRAINT healing_audit_signatures_pkey
  DO UPDATE SET head = excluded.head, signature = excluded.signature,
    signed_at = excluded.signed_at;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_audit_sign_with(text, bytea, bigint, bytea)
  IS 'Signs a head and keeps the signature.';

-- Replaces the active key: by a new one of the database, or by the given public key of a signer
-- outside. The change is an event of the chain, which the old key signs too when its private key is
-- here. The caller has chained everything and holds the chain's lock.
CREATE OR REPLACE FUNCTION ruvector.healing_audit_new_key(external bytea, reason text)
RETURNS ruvector.healing_audit_keys
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  event_id bigint;
  old ruvector.healing_audit_keys := (SELECT k FROM ruvector.healing_audit_keys k
    WHERE k.retired_at IS NULL);
  old_secret bytea := ruvector.healing_audit_private_key();
  secret bytea;
  one ruvector.healing_audit_keys;
  head ruvector.healing_audit_head;
BEGIN
  IF old.held_by IS DISTINCT FROM 'database' OR sha256(old_secret)
    IS DISTINCT FROM old.secret_hash THEN
    old_secret := NULL;
  END IF;
  PERFORM ruvector.healing_no_event_triggers();
  IF external IS NULL THEN
    REFRESH MATERIALIZED VIEW ruvector.healing_audit_secret;
    secret := ruvector.healing_audit_private_key();
    one.held_by := 'database';
    one.public_key := ruvector.healing_ed25519_public_key(secret);
    one.secret_hash := sha256(secret);
  ELSE
    -- From now on the database holds no private key.
    REFRESH MATERIALIZED VIEW ruvector.healing_audit_secret WITH NO DATA;
    one.held_by := 'external';
    one.public_key := external;
  END IF;
  one.key_id := ruvector.healing_audit_key_id(one.public_key);
  INSERT INTO ruvector.healing_events (kind, message, details)
  VALUES ('audit_key',
          format('Audit key %s (held by %s) signs from here on: %s.', one.key_id,
                 CASE one.held_by WHEN 'database' THEN 'the database'
                   ELSE 'a signer outside' END, reason),
          jsonb_build_object('key_id', one.key_id, 'public_key', encode(one.public_key, 'hex'),
            'held_by', one.held_by, 'reason', reason,
                             'replaces', old.key_id, 'signed_by_old', old_secret IS NOT NULL))
  RETURNING id INTO event_id;
  PERFORM ruvector.healing_audit_chain('5 s', 2147483647);
  -- Its own place, not the head's: events of others that were committed meanwhile are chained
  -- behind it (seen once in five runs of twenty sessions).
  SELECT e.seq INTO one.first_seq FROM ruvector.healing_events e WHERE e.id = event_id;
  IF one.first_seq IS NULL AND current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION USING ERRCODE = 'RV043',
      MESSAGE = 'an audit key is rotated in a READ COMMITTED transaction only',
      DETAIL = format('This one is %s: it does not see what others have chained since it began.',
        upper(current_setting('transaction_isolation'))),
      HINT = 'ROLLBACK; BEGIN ISOLATION LEVEL READ COMMITTED;  and call it again.';
  END IF;
  IF one.first_seq IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'RV043',
      MESSAGE = 'the audit chain is being written by another session',
      DETAIL = 'Waited 5 s.',
      HINT = 'SELECT ruvector_healing_audit_rotate_key();  again once that session has committed.';
  END IF;
  SELECT h.* INTO head FROM ruvector.healing_audit_head h;
  UPDATE ruvector.healing_audit_keys k SET retired_at = clock_timestamp(), last_seq = head.seq
    WHERE k.key_id = old.key_id;
  INSERT INTO ruvector.healing_audit_keys AS k (key_id, public_key, held_by, secret_hash, first_seq)
  VALUES (one.key_id, one.public_key, one.held_by, one.secret_hash, one.first_seq)
  RETURNING k.* INTO one;
  IF old_secret IS NOT NULL THEN
    PERFORM ruvector.healing_audit_sign_with(old.key_id, old_secret, head.seq, head.hash);
  END IF;
  IF secret IS NOT NULL THEN
    PERFORM ruvector.healing_audit_sign_with(one.key_id, secret, head.seq, head.hash);
  END IF;
  RETURN one;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_audit_new_key(bytea, text)
  IS 'Makes another key the one that signs, and records it in the chain.';

-- At the end of a tick: nothing to do unless events were written since the last signature.
CREATE OR REPLACE FUNCTION ruvector.healing_audit_tick()
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  active ruvector.healing_audit_keys;
  secret bytea;
  head ruvector.healing_audit_head;
BEGIN
  IF pg_is_in_recovery() THEN
    RETURN;
  END IF;
  PERFORM ruvector.healing_bounded();
  -- So that a signer outside can tell a quiet server from one whose events are kept away from it.
  -- The newest by its number: a clock set back by days leaves later times behind.
  IF abs(extract(epoch FROM clock_timestamp() - (SELECT e.at FROM ruvector.healing_events e
    ORDER BY e.id DESC LIMIT 1))) > 86400 THEN
    INSERT INTO ruvector.healing_events (kind, message)
      VALUES ('audit_alive', 'The loop runs; nothing else was recorded for a day.');
  END IF;
  PERFORM ruvector.healing_audit_chain('100 ms');
  -- Two ticks that overlap would both make the first key. The chain's own lock: whoever has it
  -- signs, the next tick what came since.
  IF NOT ruvector.healing_try_lock('audit') THEN
    RETURN;
  END IF;
  SELECT h.* INTO head FROM ruvector.healing_audit_head h;
  SELECT k.* INTO active FROM ruvector.healing_audit_keys k WHERE k.retired_at IS NULL;
  -- A signer outside comes for the head itself (ruvector_healing_audit_head).
  IF head.seq IS NULL OR active.held_by = 'external'
     OR ruvector.healing_audit_signed(active.key_id, head) THEN
    RETURN;
  END IF;
  secret := ruvector.healing_audit_private_key();
  IF active.key_id IS NULL THEN
    PERFORM ruvector.healing_audit_new_key(NULL, 'the first key');
  ELSIF sha256(secret) IS DISTINCT FROM active.secret_hash THEN
    PERFORM ruvector.healing_audit_new_key(NULL,
      format('the private key of %s is not in this database; a restored dump has none',
      active.key_id));
  ELSE
    PERFORM ruvector.healing_audit_sign_with(active.key_id, secret, head.seq, head.hash);
  END IF;
EXCEPTION WHEN OTHERS THEN
  PERFORM ruvector.healing_tick_note('failed', format('audit: %s: %s', SQLSTATE, SQLERRM));
  RAISE LOG 'ruvector_healing: the audit chain is not signed: % %', SQLSTATE, SQLERRM;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_audit_tick()
  IS 'Chains what is not chained yet, and signs the head with the key of the database.';
