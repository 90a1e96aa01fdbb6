CREATE TABLE IF NOT EXISTS ruvector.integrity_measurements (
  collection_id integer NOT NULL REFERENCES ruvector.collections ON DELETE CASCADE,
  -- What was measured, e.g. 'recall'; one row each.
  kind          text NOT NULL,
  measured_at   timestamptz NOT NULL,
  value         jsonb NOT NULL,
  PRIMARY KEY (collection_id, kind)
) WITH (fillfactor = 70);
COMMENT ON TABLE ruvector.integrity_measurements
  IS 'Measurements that are too dear for every sample, or that the next sample is compared with: '
  'the last one of each kind.';
