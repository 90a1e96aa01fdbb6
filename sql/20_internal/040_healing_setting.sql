-- Effective settings of a collection (0: the global ones) as one object: its own over the global ones over the defaults.
CREATE OR REPLACE FUNCTION ruvector.healing_settings(collection_id integer)
RETURNS jsonb
LANGUAGE sql STABLE
AS $function$
  SELECT jsonb_object_agg(d.key, d.default_value)
         || coalesce((SELECT c.settings FROM ruvector.healing_config c WHERE c.collection_id = 0), '{}')
         || coalesce((SELECT c.settings FROM ruvector.healing_config c WHERE c.collection_id = healing_settings.collection_id AND c.collection_id <> 0), '{}')
    FROM ruvector.healing_setting_definitions() d;
$function$;
COMMENT ON FUNCTION ruvector.healing_settings(integer) IS 'Effective settings of a collection; 0 for the global ones.';
