CREATE TABLE IF NOT EXISTS ruvector.healing_weights (
  strategy_name text NOT NULL,
  -- '*': over all classes, the document's weight.
  problem_class text NOT NULL,
  weight        double precision NOT NULL,
  outcomes      integer NOT NULL,
  updated_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (strategy_name, problem_class)
);
COMMENT ON TABLE ruvector.healing_weights
  IS 'Learned weights: success rate times (1 + mean improvement) over 30 days.';
