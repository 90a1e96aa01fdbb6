-- pg_partman makes months, keeps a year of them and its template, with retention: 4,000 rows, most
-- of them recent.
-- collection: mail
-- needs: pg_partman
-- [tables]
CREATE TABLE mail (id bigint NOT NULL, at timestamptz NOT NULL, subject text, embedding vector(32),
  PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
SELECT partman.create_parent(current_schema() || '.mail', 'at', '1 month',
  p_start_partition := (shapes.now() - interval '12 months')::text, p_premake := 3);
UPDATE partman.part_config SET retention = '12 months', retention_keep_table = false
  WHERE parent_table = current_schema() || '.mail';
-- [load]
INSERT INTO mail SELECT g, shapes.now() - (g * g / 16e6) * interval '300 days', md5(g::text),
  shapes.embedding(g, 32) FROM generate_series(1, 4000) g;
ANALYZE mail;
-- [every hour]
INSERT INTO mail SELECT (random() * 1e12)::bigint, shapes.now(), 'new',
  shapes.embedding(9000 + g, 32) FROM generate_series(1, 20) g;
SELECT id FROM mail ORDER BY embedding <-> shapes.embedding(:hour, 32) LIMIT 5;
-- [at 02:00]
SELECT partman.run_maintenance(current_schema() || '.mail');
-- [fault: maintenance_contention]
CREATE INDEX ON mail (shapes.slowly(subject));
