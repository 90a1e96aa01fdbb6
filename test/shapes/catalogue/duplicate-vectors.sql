-- The same text again and again: 70 % of 6,000 rows share 60 vectors.
-- collection: messages
-- [tables]
CREATE TABLE messages (id bigserial PRIMARY KEY, body text NOT NULL, embedding vector(64));
-- [load]
INSERT INTO messages (body, embedding)
  SELECT md5(g::text), shapes.embedding(CASE WHEN g % 10 < 7 THEN g % 60 ELSE g END)
  FROM generate_series(1, 6000) g;
CREATE INDEX ON messages USING hnsw (embedding vector_l2_ops);
ANALYZE messages;
-- [every hour]
INSERT INTO messages (body, embedding) SELECT 'hello', shapes.embedding(g % 60)
  FROM generate_series(1, 10) g;
SELECT id FROM messages ORDER BY embedding <-> shapes.embedding(:hour) LIMIT 5;
-- [fault: maintenance_contention]
CREATE INDEX ON messages (shapes.slowly(body));
