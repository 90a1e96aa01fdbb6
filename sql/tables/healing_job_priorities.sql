CREATE TABLE IF NOT EXISTS ruvector.healing_job_priorities (
  -- pg_cron's jobname; jobs without a name are called 'job 7'.
  jobname    text PRIMARY KEY,
  priority   text NOT NULL CHECK (priority IN ('low', 'normal', 'high')),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_by text NOT NULL DEFAULT session_user
);
COMMENT ON TABLE ruvector.healing_job_priorities
  IS 'Priorities of pg_cron jobs that differ from normal; high ones are never paused. Set them '
  'with ruvector_healing_job_priority().';
