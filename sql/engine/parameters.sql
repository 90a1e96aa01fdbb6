-- What pg_settings has. As an item of FROM it is written down as a whole first, 90 kB: with a
-- work_mem of 64 kB into a temporary file, which temp_file_limit = 0 forbids (samples ended in
-- 53400). In a select list each is passed on, from PostgreSQL 18 on; this function is read as if it
-- was its query.
CREATE OR REPLACE FUNCTION ruvector.healing_parameters()
RETURNS TABLE (name text, setting text, category text, context text, source text, boot_val text,
  reset_val text)
LANGUAGE sql STABLE
AS $function$
  SELECT (u.s).name, (u.s).setting, (u.s).category, (u.s).context, (u.s).source, (u.s).boot_val,
         (u.s).reset_val
    FROM (SELECT pg_catalog.pg_show_all_settings() AS s OFFSET 0) u;
$function$;
COMMENT ON FUNCTION ruvector.healing_parameters()
  IS 'The rows of pg_settings, without a temporary file.';
