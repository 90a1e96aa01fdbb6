-- A crawler embeds changed pages anew, by INSERT ... ON CONFLICT DO UPDATE: 2,000 rows, 2 % of them
-- every time.
-- collection: pages
-- [tables]
CREATE TABLE pages (url text PRIMARY KEY, body text,
  fetched_at timestamptz NOT NULL DEFAULT shapes.now(), embedding vector(64));
-- [load]
INSERT INTO pages (url, body, embedding)
  SELECT 'https://example.org/' || g, md5(g::text), shapes.embedding(g)
  FROM generate_series(1, 2000) g;
CREATE INDEX ON pages USING hnsw (embedding vector_cosine_ops);
ANALYZE pages;
-- [every hour]
INSERT INTO pages (url, body, embedding)
  SELECT 'https://example.org/' || 1 + (g * 33 + :hour * 7) % 2000, 'v' || :hour,
  shapes.embedding(g + :hour) FROM generate_series(1, 40) g
ON CONFLICT (url) DO UPDATE SET body = excluded.body, embedding = excluded.embedding,
  fetched_at = shapes.now();
SELECT url FROM pages ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 5;
-- [fault: index_fragmentation]
DELETE FROM pages WHERE right(url, 1) <> '7';
VACUUM ANALYZE pages;
