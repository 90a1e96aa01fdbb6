-- A log of conversations that only grows: 2,000 rows, 30 more every time.
-- collection: memories
-- [tables]
CREATE TABLE memories (id bigserial PRIMARY KEY, session_id uuid NOT NULL DEFAULT gen_random_uuid(),
  at timestamptz NOT NULL DEFAULT shapes.now(), embedding vector(64) NOT NULL);
-- [load]
INSERT INTO memories (at, embedding) SELECT shapes.now() - (2000 - g) * interval '1 minute',
  shapes.embedding(g) FROM generate_series(1, 2000) g;
CREATE INDEX ON memories USING hnsw (embedding vector_cosine_ops);
CREATE INDEX ON memories USING brin (at);
ANALYZE memories;
-- [every hour]
INSERT INTO memories (embedding) SELECT shapes.embedding(5000 + :hour * 90 + g)
  FROM generate_series(1, 30) g;
SELECT id FROM memories WHERE at > shapes.now() - interval '1 day'
  ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 5;
-- [fault: replication_lag]
INSERT INTO memories (embedding) SELECT shapes.embedding(g) FROM generate_series(1, 100) g;
