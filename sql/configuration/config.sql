-- Settings in force, by collection_id; 0: those of the whole installation.
CREATE OR REPLACE FUNCTION ruvector.healing_settings_in_force(collection_id integer)
RETURNS TABLE (key text, value jsonb, source text, default_value jsonb, range text,
  description text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  WITH layers AS (
    SELECT coalesce((SELECT c.settings FROM ruvector.healing_config c
      WHERE c.collection_id = 0), '{}') AS everywhere,
           coalesce((SELECT c.settings FROM ruvector.healing_config c WHERE c.collection_id = $1
             AND $1 <> 0), '{}') AS own
  )
  SELECT d.key,
         CASE WHEN jsonb_typeof(d.default_value) = 'object'
           THEN d.default_value || coalesce(l.everywhere -> d.key, '{}')
           || coalesce(l.own -> d.key, '{}')
              ELSE coalesce(l.own -> d.key, l.everywhere -> d.key, d.default_value) END,
         CASE WHEN jsonb_exists(l.own, d.key) THEN 'collection'
              WHEN jsonb_exists(l.everywhere, d.key) THEN 'global' ELSE 'default' END,
         d.default_value, d.range, d.description
    FROM ruvector.healing_setting_definitions() d CROSS JOIN layers l
   ORDER BY d.place;
$function$;
COMMENT ON FUNCTION ruvector.healing_settings_in_force(integer)
  IS 'Every setting as it is in force for a collection, with where it comes from.';

CREATE OR REPLACE FUNCTION public.ruvector_healing_config(collection text DEFAULT NULL)
RETURNS TABLE (key text, value jsonb, source text, default_value jsonb, range text,
  description text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  -- Arguments are checked first and by themselves: in a condition PostgreSQL 15 to 17 ask for each
  -- row, and not at all where there is none.
  SELECT ruvector.healing_collection(ruvector_healing_config.collection)
    WHERE ruvector_healing_config.collection IS NOT NULL;
  SELECT c.key, c.value, c.source, c.default_value, c.range, c.description
    FROM ruvector.healing_settings_in_force(
           CASE WHEN ruvector_healing_config.collection IS NULL THEN 0
                ELSE ruvector.healing_collection(ruvector_healing_config.collection) END) c;
$function$;
COMMENT ON FUNCTION public.ruvector_healing_config(text)
  IS 'Every setting with its value, where it comes from, unit, range and meaning: SELECT * FROM '
  'ruvector_healing_config();';
