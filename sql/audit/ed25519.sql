-- Ed25519 in JavaScript, from a bundle of its own that is loaded in a session when something is
-- first signed or verified there: the loop's bundle does not carry it. Like
-- ruvector.healing_javascript it holds no logic and so never has to change.
CREATE OR REPLACE FUNCTION ruvector.healing_ed25519(bundle_hash text, operation text, input text)
RETURNS text
LANGUAGE {{LANGUAGE}}
AS $function$
  try {
    var loaded = globalThis.ruvector_healing_audit;
    if (!loaded || loaded.hash !== bundle_hash) {
      var source =
        {{LANGUAGE}}.execute('SELECT ruvector.healing_audit_bundle() AS source')[0].source;
      loaded = { hash: bundle_hash, call: new Function('engine', source)({{LANGUAGE}}).call };
      globalThis.ruvector_healing_audit = loaded;
    }
    return loaded.call(operation, input);
  } catch (error) {
    throw error;
  }
$function$;
COMMENT ON FUNCTION ruvector.healing_ed25519(text, text, text)
  IS 'Loads the bundle for signatures once per session and content, and hands one '
  'operation to it.';

-- PL/pgSQL: before PostgreSQL 18 all of an SQL function is looked up before any of it runs, and
-- where the language was dropped the engine could not say so.
CREATE OR REPLACE FUNCTION ruvector.healing_ed25519_public_key(secret bytea)
RETURNS bytea
LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM ruvector.healing_start_engine();
  RETURN pg_catalog.decode(ruvector.healing_ed25519(ruvector.healing_audit_bundle_hash(),
    'public_key',
    pg_catalog.jsonb_build_object(
      'secret', pg_catalog.encode(secret, 'hex'))::pg_catalog.text)::pg_catalog.jsonb
      OPERATOR(pg_catalog.#>>) '{}', 'hex');
END
$function$;
COMMENT ON FUNCTION ruvector.healing_ed25519_public_key(bytea)
  IS 'The public key of a private key.';

CREATE OR REPLACE FUNCTION ruvector.healing_ed25519_sign(secret bytea, message text)
RETURNS bytea
LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM ruvector.healing_start_engine();
  RETURN pg_catalog.decode(ruvector.healing_ed25519(ruvector.healing_audit_bundle_hash(), 'sign',
    pg_catalog.jsonb_build_object('secret', pg_catalog.encode(secret, 'hex'),
      'message', message)::pg_catalog.text)::pg_catalog.jsonb OPERATOR(pg_catalog.#>>) '{}', 'hex');
END
$function$;
COMMENT ON FUNCTION ruvector.healing_ed25519_sign(bytea, text) IS 'Signs a text of plain ASCII.';

-- items: [{"public_key": hex, "message": text, "signature": hex}, ...]; the answers in the same
-- order. 10 ms each on PLJS.
CREATE OR REPLACE FUNCTION ruvector.healing_ed25519_verify(items jsonb)
RETURNS jsonb
LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM ruvector.healing_start_engine();
  RETURN ruvector.healing_ed25519(ruvector.healing_audit_bundle_hash(), 'verify',
    items::pg_catalog.text)::pg_catalog.jsonb;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_ed25519_verify(jsonb)
  IS 'Whether each signature is that key''s over that text.';
