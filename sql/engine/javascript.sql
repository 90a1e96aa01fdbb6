-- The engine starts with the first call of a role's session, and runs the function that
-- {{LANGUAGE}}.start_proc names. Whoever calls may set it: it would run with our rights, and with
-- our globals in its hands, where it is ours that start. Not set at all cannot be pinned, and '' is
-- not that: plv8 looks a function named '' up and warns, and a cancel that came meanwhile (V8 takes
-- 20 to 30 ms) is raised at the warning, over V8's head: the next garbage collection ends the whole
-- server (8 of 29 sessions with a timeout of 14 to 70 ms). So it is one of another language, which
-- is found, and not even compiled: int4eq, by its number, which is the same in every PostgreSQL. A
-- name is looked up in schemas and lists of functions, which what another session made has read
-- again. PLJS takes '' for not set, and forgets to let go of a function that it looked up:
-- "WARNING: resource was not closed" in every new session, and in the server's log with every tick.

-- Where the role may not use the language: a function needs no right to it, a DO block does.
CREATE OR REPLACE FUNCTION ruvector.healing_engine() RETURNS void LANGUAGE {{LANGUAGE}} AS '';
COMMENT ON FUNCTION ruvector.healing_engine() IS 'Starts the JavaScript of the role.';

-- Called before any function of ours in {{LANGUAGE}}.
CREATE OR REPLACE FUNCTION ruvector.healing_start_engine()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  start_proc oid := 65;
  context text;
  levels integer;
BEGIN
  -- A function whose language was dropped is gone, and what calls it is not: who calls is told.
  IF to_regprocedure('ruvector.healing_javascript(text, text, text)') IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'RV044',
      MESSAGE = 'the functions of ruvector_healing in {{LANGUAGE}} are gone',
      DETAIL = CASE WHEN EXISTS (SELECT FROM pg_language l WHERE l.lanname = '{{LANGUAGE}}')
        THEN 'Extension {{LANGUAGE}} was dropped with CASCADE and made again.'
        ELSE 'Extension {{LANGUAGE}} was dropped with CASCADE.' END
        || ' State, settings and rights are as they were: nothing is lost.',
      HINT = CASE WHEN EXISTS (SELECT FROM pg_language l WHERE l.lanname = '{{LANGUAGE}}')
        THEN 'Run' ELSE 'CREATE EXTENSION {{LANGUAGE}};  and run' END
        || ' the script of {{VERSION}} or newer again: psql -f ruvector_healing.{{LANGUAGE}}.sql, '
        'or npx ruvector-healing upgrade';
  END IF;
  -- V8 has its own limit of the stack, 1 MB below where it started, and PostgreSQL allows 2 MB:
  -- called from between the two it ends the server (from 400 calls of PL/pgSQL within each other).
  GET DIAGNOSTICS context = PG_CONTEXT;
  levels := regexp_count(context, '^.{0,24}SQL', 1, 'n');
  IF levels > 100 THEN
    RAISE EXCEPTION USING ERRCODE = '54001',
      MESSAGE = 'called too deep within other functions to start JavaScript',
      DETAIL = format('%s functions and statements within each other; at most 100.', levels),
      HINT = 'Call it outside of the recursion, or of the triggers that fire each other.';
  END IF;
  -- plv8 looks start_proc up when V8 has started, and goes on whatever is raised there: a cancel
  -- that came meanwhile is raised where the catalogue is read, leaves behind what was open, and a
  -- later garbage collection, or lookup, ends the server. What is in the caches is not read: so it
  -- is looked up before, and behind the language's own handler: to read that one takes in what
  -- other sessions changed, which may let go of what was looked up (one of 200 sessions on a busy
  -- machine was warned; that this was why is not proven).
  PERFORM has_function_privilege(l.laninline, 'EXECUTE')
     FROM pg_language l WHERE l.lanname = '{{LANGUAGE}}';
  PERFORM has_function_privilege(start_proc, 'EXECUTE');
  IF '{{LANGUAGE}}' = 'pljs' OR NOT has_language_privilege('{{LANGUAGE}}', 'USAGE') THEN
    PERFORM ruvector.healing_engine();
    RETURN;
  END IF;
  -- plv8 handles signals itself while it compiles the first code of a session, and raises an error
  -- without a message where one ends that code: an exception block that catches it copies the
  -- message, and ends the server (16 of 6,300 sessions with a timeout of 33 to 58 ms). So the first
  -- is code that never runs: its own error has a message, whatever comes meanwhile.
  BEGIN
    EXECUTE 'DO LANGUAGE {{LANGUAGE}} '')''';
  EXCEPTION WHEN internal_error THEN
    -- The cancel is still due: here.
    PERFORM pg_sleep(0);
  END;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_start_engine()
  IS 'Starts the JavaScript of the role, so that a cancel on the way is a cancel.';

-- Pinned while our JavaScript starts, and no longer: what others have in {{LANGUAGE}} (a trigger,
-- an index expression) starts as they are used to. Where only a superuser may set it there is
-- nobody to fear, and no right to pin it.
DO $pin$
BEGIN
  EXECUTE format('ALTER FUNCTION ruvector.healing_start_engine() SET {{LANGUAGE}}.start_proc = %L',
    CASE '{{LANGUAGE}}' WHEN 'pljs' THEN '' ELSE '65' END);
  -- plv8 hands these to V8 when its library is loaded into a session, whoever set them: with
  -- --abort-on-uncaught-exception a viewer without a right to the language ended the whole server.
  -- They are what they were for whoever installed.
  IF '{{LANGUAGE}}' = 'plv8' THEN
    EXECUTE format('ALTER FUNCTION ruvector.healing_start_engine() SET plv8.v8_flags = %L',
      coalesce(current_setting('plv8.v8_flags', true), ''));
  END IF;
EXCEPTION WHEN insufficient_privilege THEN
  NULL;
END
$pin$;
-- It was of ours before.
DROP FUNCTION IF EXISTS ruvector.healing_engine_started();

-- Holds no logic of its own, so that it never has to change: PLJS keeps a function's compiled code
-- for the life of a session even when the function is replaced (measured), so a new bundle is
-- noticed by its hash. An error is thrown here once more because plv8 shows the line that threw it
-- last: one of the bundle's has up to 18 kB.
CREATE OR REPLACE FUNCTION ruvector.healing_javascript(bundle_hash text, operation text, input text)
RETURNS text
LANGUAGE {{LANGUAGE}}
AS $function$
  try {
    var loaded = globalThis.ruvector_healing;
    if (!loaded || loaded.hash !== bundle_hash) {
      var source = {{LANGUAGE}}.execute("SELECT pg_catalog.split_part(p.prosrc, "
        + "'$ruvector_healing_bundle$', 2) AS source FROM pg_catalog.pg_proc p "
        + "WHERE p.oid = 'ruvector.healing_bundle()'::pg_catalog.regprocedure")[0].source;
      loaded = { hash: bundle_hash, call: new Function('engine', 'source',
        source.split('/*sections')[0])({{LANGUAGE}}, source).call };
      globalThis.ruvector_healing = loaded;
    }
    return loaded.call(operation, input);
  } catch (error) {
    throw error;
  }
$function$;
COMMENT ON FUNCTION ruvector.healing_javascript(text, text, text)
  IS 'Loads the bundle once per session and content, and hands one operation to it.';
