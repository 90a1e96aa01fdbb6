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
-- The same for many collections: base is what is set for all of them, healing_settings(0), made
-- once; own is the collection's row of healing_config. Without SET, so that it is inlined.
CREATE OR REPLACE FUNCTION ruvector.healing_settings_over(base jsonb, own jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE
AS $function$
  SELECT CASE WHEN own IS NULL THEN base ELSE base || coalesce((
    SELECT jsonb_object_agg(e.key, CASE WHEN jsonb_typeof(base -> e.key) = 'object'
             THEN (base -> e.key) || e.value ELSE e.value END)
      FROM jsonb_each(own) e WHERE jsonb_exists(base, e.key)), '{}') END;
$function$;
COMMENT ON FUNCTION ruvector.healing_settings_over(jsonb, jsonb)
  IS 'Effective settings of a collection from those of all and its own.';
COMMENT ON FUNCTION ruvector.healing_settings(integer)
  IS 'Effective settings of a collection; 0 for the global ones.';
