-- An older script would put back the functions of a newer installation, and leave its tables as
-- they are. 0.2.0-dev comes before 0.2.0.
DO $newer$
DECLARE
  script constant pg_catalog.text := '{{VERSION}}';
  installed pg_catalog.text;
  numbers pg_catalog.int8[];
  installed_numbers pg_catalog.int8[];
BEGIN
  IF pg_catalog.to_regprocedure('ruvector.healing_version()') IS NULL THEN
    RETURN;
  END IF;
  EXECUTE 'SELECT ruvector.healing_version()' INTO installed;
  numbers := pg_catalog.string_to_array(pg_catalog.split_part(script, '-', 1), '.');
  installed_numbers := pg_catalog.string_to_array(pg_catalog.split_part(installed, '-', 1), '.');
  IF installed_numbers > numbers OR (installed_numbers = numbers
    AND pg_catalog.strpos(script, '-') > 0 AND pg_catalog.strpos(installed, '-') = 0) THEN
    RAISE EXCEPTION USING ERRCODE = 'RV036',
      MESSAGE = 'this script is older than what is installed',
      DETAIL = pg_catalog.format('Installed is ruvector_healing %s, this script is of %s.',
        installed, script),
      HINT = pg_catalog.format('Take the script of %s or newer. To go back to %s, SELECT '
        'ruvector_healing_uninstall(); first: it takes the state with it.', installed, script);
  END IF;
END
$newer$;
