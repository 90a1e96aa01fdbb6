-- Which session is the one under an actuator's name. A row of ours, not an advisory lock: that can
-- be taken by anybody who may connect, and the actuator would never be let in.
CREATE TABLE IF NOT EXISTS ruvector.healing_actuator_sessions (
  actuator         text PRIMARY KEY,
  pid              integer NOT NULL,
  -- Of the role that logged in: with it and the name the session has, a pid that was given out
  -- again is told from the one that is gone.
  login            oid NOT NULL,
  application_name text NOT NULL,
  connected_at     timestamptz NOT NULL
);
COMMENT ON TABLE ruvector.healing_actuator_sessions
  IS 'The session of each actuator: ruvector_healing_actuator_connect().';
