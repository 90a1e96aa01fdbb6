-- An agent's memory: whatever a search returns is marked as used, so that some rows are written
-- over and over, and their vectors with them. 2,000 rows.
-- collection: memories
-- [tables]
CREATE TABLE memories (id bigserial PRIMARY KEY, content text NOT NULL, uses int NOT NULL DEFAULT 0,
  last_used_at timestamptz NOT NULL DEFAULT shapes.now(), embedding vector(64));
CREATE INDEX ON memories (last_used_at);
-- [load]
INSERT INTO memories (content, embedding) SELECT shapes.paragraph(g), shapes.embedding(g)
  FROM generate_series(1, 2000) g;
CREATE INDEX ON memories USING hnsw (embedding vector_cosine_ops);
ANALYZE memories;
-- [every hour]
UPDATE memories SET uses = uses + 1, last_used_at = shapes.now() WHERE id IN (SELECT id
  FROM memories ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 10);
UPDATE memories SET uses = uses + 1, last_used_at = shapes.now() WHERE id IN (SELECT id
  FROM memories ORDER BY embedding <=> shapes.embedding(:hour + 400) LIMIT 10);
UPDATE memories SET uses = uses + 1, last_used_at = shapes.now() WHERE id IN (SELECT id
  FROM memories ORDER BY embedding <=> shapes.embedding(17) LIMIT 10);
INSERT INTO memories (content, embedding) SELECT shapes.paragraph(g),
  shapes.embedding(9000 + :hour * 9 + g) FROM generate_series(1, 3) g;
-- [fault: index_fragmentation]
DELETE FROM memories WHERE id % 5 <> 0;
VACUUM ANALYZE memories;
