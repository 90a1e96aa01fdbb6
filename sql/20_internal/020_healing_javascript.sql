-- Holds no logic of its own, so that it never has to change: PLJS keeps a function's compiled code for the
-- life of a session even when the function is replaced (measured), so a new bundle is noticed by its hash.
CREATE OR REPLACE FUNCTION ruvector.healing_javascript(bundle_hash text, operation text, input text)
RETURNS text
LANGUAGE {{LANGUAGE}}
AS $function$
  var loaded = globalThis.ruvector_healing;
  if (!loaded || loaded.hash !== bundle_hash) {
    var source = {{LANGUAGE}}.execute('SELECT ruvector.healing_bundle() AS source')[0].source;
    loaded = { hash: bundle_hash, call: new Function('engine', source)({{LANGUAGE}}).call };
    globalThis.ruvector_healing = loaded;
  }
  return loaded.call(operation, input);
$function$;
COMMENT ON FUNCTION ruvector.healing_javascript(text, text, text) IS 'Loads the bundle once per session and content, and hands one operation to it.';
