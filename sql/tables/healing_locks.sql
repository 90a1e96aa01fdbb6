-- One row for each thing that one session at a time works on. Rows, not advisory keys: those can be
-- taken by anybody who may connect. Nothing is ever written into a row but its lock, which ends
-- with the transaction.
CREATE TABLE IF NOT EXISTS ruvector.healing_locks (
  -- tick, settings, rights, audit, weights: one of each, id 0. collection: who is at work on it.
  kind text NOT NULL,
  id   integer NOT NULL,
  PRIMARY KEY (kind, id)
);
COMMENT ON TABLE ruvector.healing_locks
  IS 'Rows that sessions lock while they work: docs/locks.md.';

-- Locked ROW SHARE, a mode in which sessions do not shut each other out, by those that are starting
-- an action: pg_locks shows how many there are.
CREATE TABLE IF NOT EXISTS ruvector.healing_starting ();
COMMENT ON TABLE ruvector.healing_starting
  IS 'Always empty: sessions that are starting an action hold a lock on it.';
