-- temp_file_limit is an administrator's setting, work_mem anybody's own. What a statement would
-- have needed is not known: 53400 comes as soon as the limit is met.
CREATE OR REPLACE FUNCTION ruvector.healing_temporary_files(OUT detail text, OUT hint text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT format('temp_file_limit is %s, work_mem %s: what does not fit into work_mem is written to '
           'temporary files.', current_setting('temp_file_limit'), current_setting('work_mem')),
         format('ALTER ROLE %1$I SET work_mem = ''%2$s MB''; Or, as a superuser: ALTER ROLE %1$I '
           'SET temp_file_limit = ''1 GB''; New sessions take it up.', session_user,
           greatest(16, 4 * pg_size_bytes(current_setting('work_mem')) / 1024 / 1024));
$function$;
COMMENT ON FUNCTION ruvector.healing_temporary_files()
  IS 'What stands in the way of temporary files (53400), and what to type.';

-- One line, where there is no place for a HINT.
CREATE OR REPLACE FUNCTION ruvector.healing_why_not(error jsonb)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT (error ->> 'message') || CASE error ->> 'sqlstate' WHEN '53400'
    THEN (SELECT '. ' || t.hint FROM ruvector.healing_temporary_files() t) ELSE '' END;
$function$;
COMMENT ON FUNCTION ruvector.healing_why_not(jsonb)
  IS 'Why something could not be read, with what to type about temporary files.';
