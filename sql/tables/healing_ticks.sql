CREATE TABLE IF NOT EXISTS ruvector.healing_ticks (
  one              boolean PRIMARY KEY DEFAULT true CHECK (one),
  ticks            bigint NOT NULL DEFAULT 0,
  started_at       timestamptz,
  finished_at      timestamptz,
  -- Moving average of the time between ticks; plans estimate their duration with it.
  interval_seconds double precision,
  last_error       text,
  last_error_at    timestamptz,
  errors           bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
ALTER TABLE ruvector.healing_ticks ADD COLUMN IF NOT EXISTS errors bigint NOT NULL DEFAULT 0;
INSERT INTO ruvector.healing_ticks DEFAULT VALUES ON CONFLICT DO NOTHING;
COMMENT ON TABLE ruvector.healing_ticks IS 'When the loop last ran.';
