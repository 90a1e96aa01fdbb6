-- What a tick could not write into healing_ticks because somebody held its row: an operator may
-- call a part of a tick and leave that open. Rows that are only added are in nobody's way; the next
-- tick that gets the row adds them up and removes them.
CREATE TABLE IF NOT EXISTS ruvector.healing_ticks_uncounted (
  id    bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  at    timestamptz NOT NULL,
  what  text NOT NULL CHECK (what IN ('started', 'finished', 'failed')),
  error text
);
COMMENT ON TABLE ruvector.healing_ticks_uncounted
  IS 'Ticks and errors that are not in healing_ticks yet, because another session held its row.';
