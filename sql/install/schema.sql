-- An upgrade needs no right to make schemas, which IF NOT EXISTS would ask for.
DO $schema$
BEGIN
  IF pg_catalog.to_regnamespace('ruvector') IS NULL THEN
    CREATE SCHEMA ruvector;
  END IF;
END
$schema$;
COMMENT ON SCHEMA ruvector
  IS 'State and internals of ruvector_healing. Use the ruvector_healing_* and '
  'ruvector_integrity_* functions.';
