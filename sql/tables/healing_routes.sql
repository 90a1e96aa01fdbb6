CREATE TABLE IF NOT EXISTS ruvector.healing_routes (
  collection_id integer NOT NULL REFERENCES ruvector.collections ON DELETE CASCADE,
  -- A value of the partition column that leads to the partition, as text.
  partition_key text NOT NULL,
  partition     text NOT NULL,
  -- 1: takes its full share of new rows; 0: takes none.
  weight        double precision NOT NULL DEFAULT 1 CHECK (weight >= 0),
  PRIMARY KEY (collection_id, partition_key)
);
COMMENT ON TABLE ruvector.healing_routes IS 'Where ruvector_healing_route() sends new rows.';
