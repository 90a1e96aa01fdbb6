CREATE SCHEMA IF NOT EXISTS ruvector;
COMMENT ON SCHEMA ruvector
  IS 'State and internals of ruvector_healing. Use the ruvector_healing_* and '
  'ruvector_integrity_* functions.';
