CREATE TABLE IF NOT EXISTS ruvector.integrity_state (
  collection_id integer PRIMARY KEY REFERENCES ruvector.collections ON DELETE CASCADE,
  state         smallint NOT NULL CHECK (state BETWEEN 0 AND 2),
  since         timestamptz NOT NULL,
  lambda        double precision,
  sampled_at    timestamptz NOT NULL,
  sample_id     bigint NOT NULL,
  -- Counters and holds of the hysteresis, as src/sense/states.ts keeps them.
  hysteresis    jsonb NOT NULL,
  -- When the collection fell below the stress threshold for the first time since it was last
  -- normal.
  degraded_at   timestamptz
);
COMMENT ON TABLE ruvector.integrity_state
  IS 'Present integrity state of each collection: 0 normal, 1 stress, 2 critical.';
