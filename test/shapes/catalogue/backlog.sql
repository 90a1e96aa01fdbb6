-- What waits is marked at one in the morning and worked off by three; the index holds what waits
-- only, and is all but empty by day. 6,000 rows.
-- collection: pages
-- [tables]
CREATE TABLE pages (url text PRIMARY KEY, stale boolean NOT NULL DEFAULT true,
  embedding vector(3));
CREATE INDEX pages_stale ON pages (url) WHERE stale;
-- [load]
INSERT INTO pages (url) SELECT 'https://example.org/' || md5(g::text) || repeat('/path', 30) || g
  FROM generate_series(1, 6000) g;
SELECT pg_stat_force_next_flush();
VACUUM ANALYZE pages;
-- [every hour]
INSERT INTO pages (url) VALUES ('https://example.net/' || :hour) ON CONFLICT DO NOTHING;
SELECT count(*) FROM pages WHERE stale;
-- [at 01:00]
UPDATE pages SET stale = true WHERE NOT stale;
-- [at 03:00]
UPDATE pages SET stale = false, embedding = shapes.embedding(length(url), 3) WHERE stale;
-- [fault: maintenance_contention]
CREATE INDEX ON pages (shapes.slowly(url));
