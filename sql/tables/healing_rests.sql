-- Collections that JavaScript found plainly healthy, and what it went by: while none of that has
-- changed, a tick keeps their next sample in one statement for all of them, and starts no
-- JavaScript (sql/loop/rest.sql). What is lost is measured anew.
CREATE TABLE IF NOT EXISTS ruvector.healing_rests (
  collection_id integer PRIMARY KEY REFERENCES ruvector.collections ON DELETE CASCADE,
  looked_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- When the clock may say something else of it; NULL: never. And for how many seconds what is
  -- measured now and then stands, by its kind.
  due_at        timestamptz,
  stands        jsonb NOT NULL DEFAULT '{}',
  -- What that look took: as many have their turn in one tick as the time for it allows.
  duration_ms   double precision NOT NULL,
  -- The sample of that look; those after it say what it says.
  sample_id     bigint NOT NULL,
  -- The table as the catalogues have it, what was read and written so far, settings.
  seen          numeric NOT NULL,
  counted       double precision NOT NULL,
  server        text NOT NULL,
  -- The newest run of pg_cron that was looked at.
  cron_run      bigint NOT NULL DEFAULT 0,
  -- Samples come no closer than this.
  apart_seconds double precision NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
ALTER TABLE ruvector.healing_rests ALTER due_at DROP NOT NULL;
COMMENT ON TABLE ruvector.healing_rests
  IS 'Collections that are plainly healthy, and what that was found by: until it changes, ticks '
  'start no JavaScript for them.';

-- Since when a tick has been asking who rests; NULL: none is. Where that never ends, the next tick
-- serves each collection by itself.
CREATE TABLE IF NOT EXISTS ruvector.healing_resting (
  one      boolean PRIMARY KEY DEFAULT true CHECK (one),
  begun_at timestamptz
) WITH (fillfactor = 50);
-- When one of them was last looked at again although nothing was due.
ALTER TABLE ruvector.healing_resting ADD COLUMN IF NOT EXISTS looked_at timestamptz;
INSERT INTO ruvector.healing_resting DEFAULT VALUES ON CONFLICT DO NOTHING;
COMMENT ON TABLE ruvector.healing_resting IS 'Whether a tick is asking which collections rest.';
