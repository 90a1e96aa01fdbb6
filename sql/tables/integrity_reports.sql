CREATE TABLE IF NOT EXISTS ruvector.integrity_reports (
  collection_id integer PRIMARY KEY REFERENCES ruvector.collections ON DELETE CASCADE,
  reported_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  reported_by   text NOT NULL DEFAULT session_user,
  report        jsonb NOT NULL
);
COMMENT ON TABLE ruvector.integrity_reports
  IS 'The last report of an outside monitor for each collection; it stands for '
  'report_ttl_seconds.';
