CREATE TABLE IF NOT EXISTS ruvector.healing_outcomes (
  id              BIGSERIAL PRIMARY KEY,
  collection_id   INTEGER NOT NULL,
  tenant_id       TEXT,
  -- Problem
  problem_class   TEXT NOT NULL,
  problem_details JSONB NOT NULL,
  -- Strategy
  strategy_name   TEXT NOT NULL,
  strategy_params JSONB,
  -- Execution
  started_at      TIMESTAMPTZ NOT NULL,
  completed_at    TIMESTAMPTZ,
  duration_ms     INTEGER,
  -- Result
  success         BOOLEAN NOT NULL,
  verified        BOOLEAN,
  actions_taken   INTEGER,
  improvement_pct REAL,
  error_message   TEXT,
  -- Context
  initial_lambda  REAL NOT NULL,
  final_lambda    REAL,
  witness_edges   JSONB,
  system_metrics  JSONB,
  -- Learning
  feedback_score  REAL,
  created_at      TIMESTAMPTZ DEFAULT NOW(),
  -- Beyond the document's columns
  action_id       BIGINT,
  collection      TEXT,
  predicted_lambda REAL,
  rolled_back     BOOLEAN NOT NULL DEFAULT false,
  -- From the first sample below the stress threshold to the verified end.
  recovery_seconds REAL
);
-- What a person said of it (ruvector_healing_feedback), and who and when. A score without them is
-- that of a rollback.
ALTER TABLE ruvector.healing_outcomes
  ADD COLUMN IF NOT EXISTS feedback_note text,
  ADD COLUMN IF NOT EXISTS feedback_by text,
  ADD COLUMN IF NOT EXISTS feedback_at timestamptz,
  -- false: the weights were another session's when it ended, and are made of it with the next tick
  -- of its collection.
  ADD COLUMN IF NOT EXISTS learned boolean NOT NULL DEFAULT true;
CREATE INDEX IF NOT EXISTS idx_healing_outcomes_unlearned ON ruvector.healing_outcomes
  (collection_id) WHERE NOT learned;
CREATE INDEX IF NOT EXISTS idx_healing_outcomes_completed ON ruvector.healing_outcomes
  (completed_at);
CREATE INDEX IF NOT EXISTS idx_healing_outcomes_collection ON ruvector.healing_outcomes
  (collection_id, completed_at);
CREATE INDEX IF NOT EXISTS idx_healing_outcomes_class ON ruvector.healing_outcomes (problem_class);
CREATE INDEX IF NOT EXISTS idx_healing_outcomes_strategy ON ruvector.healing_outcomes
  (strategy_name);
CREATE INDEX IF NOT EXISTS idx_healing_outcomes_success ON ruvector.healing_outcomes (success,
  verified);
CREATE UNIQUE INDEX IF NOT EXISTS idx_healing_outcomes_action ON ruvector.healing_outcomes
  (action_id);
COMMENT ON TABLE ruvector.healing_outcomes IS 'What learning reads: one row per ended action.';
COMMENT ON COLUMN ruvector.healing_outcomes.improvement_pct
  IS 'Improvement of lambda as a fraction of the initial one (0.25 is 25 %); NULL where that is '
  'not defined.';
COMMENT ON COLUMN ruvector.healing_outcomes.feedback_score
  IS 'Human feedback, -1 to 1 (ruvector_healing_feedback); without any, a rollback asked for by a '
  'human counts as -1.';
