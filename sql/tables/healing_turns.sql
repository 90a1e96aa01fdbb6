-- Written and committed before a collection is served: what a tick that died or hangs left here
-- tells the next one who is to blame.
CREATE TABLE IF NOT EXISTS ruvector.healing_turns (
  collection_id integer PRIMARY KEY REFERENCES ruvector.collections ON DELETE CASCADE,
  -- The tick that serves it now; NULL: none does.
  serving_since timestamptz,
  serving_pid   integer,
  backend_start timestamptz,
  -- Set aside: since when, how often in a row its turn failed, how often of these it took its
  -- session along or never came back, and until when it is passed over.
  since         timestamptz,
  failures      integer NOT NULL DEFAULT 0,
  stalls        integer NOT NULL DEFAULT 0,
  last_at       timestamptz,
  until         timestamptz,
  sqlstate      text,
  reason        text
) WITH (fillfactor = 50);
ALTER TABLE ruvector.healing_turns
  -- When its last turn ended.
  ADD COLUMN IF NOT EXISTS served_at timestamptz,
  -- How far the turn had come when ruvector.healing_watch() last looked, and since when it has been
  -- there.
  ADD COLUMN IF NOT EXISTS pulse bigint,
  ADD COLUMN IF NOT EXISTS pulse_at timestamptz;
-- Goes on with every statement of a tick, and is seen outside of its transaction at once: whether a
-- slow turn gets on.
CREATE SEQUENCE IF NOT EXISTS ruvector.healing_pulse CACHE 1 CYCLE;
-- So that it goes with the table to another owner, as the sequences of identity columns do; and one
-- that was made before it came round does so now.
ALTER SEQUENCE ruvector.healing_pulse CYCLE OWNED BY ruvector.healing_turns.pulse;
COMMENT ON SEQUENCE ruvector.healing_pulse IS 'Goes on with every statement of a tick.';
COMMENT ON TABLE ruvector.healing_turns
  IS 'Which collection a tick is serving, and which ones are set aside because serving '
  'them failed.';
