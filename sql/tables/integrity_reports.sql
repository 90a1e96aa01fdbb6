CREATE TABLE IF NOT EXISTS ruvector.integrity_reports (
  collection_id integer PRIMARY KEY REFERENCES ruvector.collections ON DELETE CASCADE,
  reported_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  reported_by   text NOT NULL DEFAULT session_user,
  report        jsonb NOT NULL
);
COMMENT ON TABLE ruvector.integrity_reports
  IS 'The last report of an outside monitor for each collection; it stands for '
  'report_ttl_seconds.';
ALTER TABLE ruvector.integrity_reports ADD COLUMN IF NOT EXISTS found jsonb;
COMMENT ON COLUMN ruvector.integrity_reports.found
  IS 'What samples need of the report, found once: reading, checked metrics, and of a graph what '
  'the classifier asks about the ends of the cut. NULL: kept by an older version.';
