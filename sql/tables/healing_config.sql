CREATE TABLE IF NOT EXISTS ruvector.healing_config (
  -- 0: the settings of the whole installation; otherwise those of one collection.
  collection_id integer PRIMARY KEY,
  settings      jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
  updated_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_by    text NOT NULL DEFAULT session_user
);
-- A person's rollback or abort holds for rejection_seconds, as their no to an action that waits
-- does.
UPDATE ruvector.healing_config SET settings = settings - 'human_undo_suspend_seconds'
  WHERE pg_catalog.jsonb_exists(settings, 'human_undo_suspend_seconds');
-- What is due of a vector index has more sources than one since 0.2.0.
UPDATE ruvector.healing_config
   SET settings = settings - 'recall_baseline'
     || pg_catalog.jsonb_build_object('recall_target', settings -> 'recall_baseline')
  WHERE pg_catalog.jsonb_exists(settings, 'recall_baseline');
COMMENT ON TABLE ruvector.healing_config
  IS 'Settings that differ from their defaults. Change them with ruvector_healing_configure().';
