-- How far each webhook of an actuator has come in the chain of events. Up to position everything
-- was sent, or needed no sending; ahead has what was sent beyond it, while something before it is
-- held (quiet hours).
CREATE TABLE IF NOT EXISTS ruvector.healing_alerts (
  endpoint  text PRIMARY KEY,
  position  bigint NOT NULL,
  ahead     bigint[] NOT NULL DEFAULT '{}',
  -- Who sends them; another one may once this one was silent for a minute.
  actuator  text NOT NULL,
  asked_at  timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
COMMENT ON TABLE ruvector.healing_alerts
  IS 'Which events the webhooks of actuators have been sent.';
