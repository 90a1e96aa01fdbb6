-- Effective settings of a collection (0: the global ones) as one object: its own over the global
-- ones over the defaults. Settings that are objects (strategy_modes) are laid over each other key
-- by key.
CREATE OR REPLACE FUNCTION ruvector.healing_settings(collection_id integer)
RETURNS jsonb
LANGUAGE sql STABLE
AS $function$
  SELECT jsonb_object_agg(d.key, CASE WHEN jsonb_typeof(d.default_value) = 'object'
           THEN d.default_value || coalesce(l.everywhere -> d.key, '{}') || coalesce(l.own -> d.key,
             '{}')
           ELSE coalesce(l.own -> d.key, l.everywhere -> d.key, d.default_value) END)
    FROM ruvector.healing_setting_definitions() d
   CROSS JOIN (SELECT (SELECT c.settings FROM ruvector.healing_config c
     WHERE c.collection_id = 0) AS everywhere,
                      (SELECT c.settings FROM ruvector.healing_config c
                        WHERE c.collection_id = healing_settings.collection_id
                          AND c.collection_id <> 0) AS own) l;
$function$;
COMMENT ON FUNCTION ruvector.healing_settings(integer)
  IS 'Effective settings of a collection; 0 for the global ones.';
