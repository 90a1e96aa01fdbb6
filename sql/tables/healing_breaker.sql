-- One row, always there. What makes the breaker open is counted anew from ruvector.healing_actions
-- each time; this row keeps what follows from it.
CREATE TABLE IF NOT EXISTS ruvector.healing_breaker (
  one             boolean PRIMARY KEY DEFAULT true CHECK (one),
  state           text NOT NULL DEFAULT 'closed' CHECK (state IN ('closed', 'open', 'half_open')),
  opened_at       timestamptz,
  reason          text,
  -- While open: when one action is let through.
  open_until      timestamptz,
  -- How often in a row it has opened: each time it stays open for twice as long.
  opens           integer NOT NULL DEFAULT 0,
  half_open_at    timestamptz,
  -- The action that was let through.
  probe_action_id bigint,
  closed_at       timestamptz,
  closed_by       text,
  close_reason    text,
  updated_at      timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
INSERT INTO ruvector.healing_breaker DEFAULT VALUES ON CONFLICT DO NOTHING;
-- What it counts: actions that ended lately.
CREATE INDEX IF NOT EXISTS healing_actions_finished ON ruvector.healing_actions (finished_at)
  WHERE finished_at IS NOT NULL;
COMMENT ON TABLE ruvector.healing_breaker
  IS 'The circuit breaker of the loop: ruvector_healing_breaker() shows it, '
  'ruvector_healing_breaker_close() closes it.';
