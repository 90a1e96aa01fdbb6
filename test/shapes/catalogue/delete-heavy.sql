-- A cache that forgets: every hour the oldest 4 % go and as many come, 2,000 rows all the time.
-- collection: cache
-- [tables]
CREATE TABLE cache (id bigserial PRIMARY KEY, prompt text, answer text,
  created_at timestamptz NOT NULL DEFAULT shapes.now(), embedding vector(64));
-- [load]
INSERT INTO cache (prompt, answer, created_at, embedding)
  SELECT md5(g::text), shapes.paragraph(g), shapes.now() - (2000 - g) * interval '30 seconds',
  shapes.embedding(g) FROM generate_series(1, 2000) g;
CREATE INDEX ON cache USING hnsw (embedding vector_cosine_ops);
CREATE INDEX ON cache (created_at);
ANALYZE cache;
-- [every hour]
DELETE FROM cache WHERE id IN (SELECT id FROM cache ORDER BY created_at LIMIT 40);
INSERT INTO cache (prompt, answer, embedding)
  SELECT md5(random()::text), shapes.paragraph(g), shapes.embedding(5000 + :hour * 120 + g)
  FROM generate_series(1, 40) g;
SELECT answer FROM cache ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 1;
-- [fault: index_fragmentation]
DELETE FROM cache WHERE id % 5 <> 0;
VACUUM ANALYZE cache;
